using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running.Diagnosis;

/// <summary>
/// Looks at every loss before its backward. On a CPU at once, before a weight has changed. On another device the answers
/// stay there and are read together every few batches, so that no step waits for the host.
/// </summary>
internal sealed class NonFiniteGuard(int interval, Device device) : IDisposable
{
    private readonly List<(Tensor Finite, Progress Progress, string[] Files)> _pending = [];
    private readonly bool _atOnce = device.type == DeviceType.CPU;
    private Progress _progress;
    private string[] _files = [];
    private byte[] _random = [];

    /// <summary>Before a batch's forward.</summary>
    public void Begin(Progress progress, Batch batch, ITorchRuntime runtime)
    {
        _progress = progress;
        if (_atOnce)
        {
            _random = runtime.GetRandomState(device);
            return;
        }
        _files = [.. batch.Samples.Select(sample => sample.Name)];
        if (_pending.Count >= interval) Check();
    }

    /// <exception cref="NonFiniteLossException">This loss, or one of those before it, is not finite.</exception>
    public void See(Tensor loss)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        if (!_atOnce)
        {
            _pending.Add((loss.detach().isfinite().DetachFromDisposeScope(), _progress, _files));
            return;
        }
        if (!double.IsFinite(loss.detach().to(ScalarType.Float64).item<double>())) throw new NonFiniteLossException(_progress, _random);
    }

    public void Check()
    {
        if (_pending.Count == 0) return;
        using var scope = NewDisposeScope();
        var finite = stack(_pending.Select(entry => entry.Finite)).Values<bool>();
        var bad = Array.IndexOf(finite, false);
        var found = bad < 0 ? default : _pending[bad];
        Forget();
        if (bad >= 0) throw new NonFiniteLossException(found.Progress, found.Files);
    }

    /// <summary>Drops what is not yet read.</summary>
    public void Forget()
    {
        foreach (var (finite, _, _) in _pending) finite.Dispose();
        _pending.Clear();
    }

    public void Dispose() => Forget();
}
