using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <summary>
/// Looks at every loss before its backward: at once, before a weight has changed, or (on a GPU) later, many together, so
/// that no step waits for the host.
/// </summary>
/// <param name="interval">Batches between looks, where not each is looked at.</param>
/// <param name="atOnce">Looks at each batch, and keeps the random generator's state for a replay.</param>
internal sealed class NonFiniteGuard(int interval, bool atOnce, Device device, IProcessGroup group) : IDisposable
{
    private readonly List<(Tensor Finite, Progress Progress, string[] Files)> _pending = [];
    private Progress _progress;
    private string[] _files = [];
    private byte[] _random = [];

    public bool AtOnce { get; set; } = atOnce;

    /// <summary>Whether it is time for <see cref="Check"/>.</summary>
    public bool IsDue => _pending.Count >= interval;

    /// <summary>Before a batch's forward.</summary>
    public void Begin(Progress progress, Batch batch)
    {
        _progress = progress;
        if (AtOnce)
            _random = RandomState.Get(device);
        else
            _files = [.. batch.Samples.Select(sample => sample.Name)];
    }

    /// <exception cref="NonFiniteLossException">This loss is not finite.</exception>
    public void See(Tensor loss)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        if (!AtOnce)
            _pending.Add((loss.detach().isfinite().all().DetachFromDisposeScope(), _progress, _files));
        else if (!AllFinite(loss))
            throw new NonFiniteLossException(_progress, _random);
    }

    /// <summary>In every process, so that none is left waiting for one that has stopped.</summary>
    private bool AllFinite(Tensor loss)
    {
        var finite = loss.detach().isfinite().all().to(ScalarType.Float32);
        group.AllReduceSum(finite);
        return finite.item<float>() >= group.WorldSize;
    }

    /// <summary>Reads what was seen since the last time. All processes call it together, and all of them hear of it.</summary>
    /// <exception cref="NonFiniteLossException">One of the losses was not finite.</exception>
    public void Check()
    {
        if (_pending.Count == 0)
            return;
        using var scope = NewDisposeScope();
        var good = stack(_pending.Select(entry => entry.Finite)).to(ScalarType.Float32);
        group.AllReduceSum(good);
        var bad = Array.FindIndex(good.Values<float>(), count => count < group.WorldSize);
        var found = bad < 0 ? default : _pending[bad];
        Forget();
        if (bad >= 0)
            throw new NonFiniteLossException(found.Progress, found.Files);
    }

    /// <summary>Drops what is not yet read.</summary>
    public void Forget()
    {
        foreach (var (finite, _, _) in _pending)
            finite.Dispose();
        _pending.Clear();
    }

    public void Dispose() => Forget();
}
