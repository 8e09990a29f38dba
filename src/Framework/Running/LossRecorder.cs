using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Sums losses where they are, and reads them in one go when a row of the log is due.</summary>
internal sealed class LossRecorder : IDisposable
{
    private readonly Dictionary<string, (Tensor Sum, long Count)> _sums = [];

    public void Add(LossMap losses)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, loss) in losses)
        {
            var value = loss.detach().to(ScalarType.Float64);
            if (_sums.TryGetValue(name, out var entry))
            {
                entry.Sum.add_(value);
                _sums[name] = (entry.Sum, entry.Count + 1);
            }
            else
            {
                _sums.Add(name, (value.clone().DetachFromDisposeScope(), 1));
            }
        }
    }

    /// <summary>The mean of each loss since the last call, over all processes.</summary>
    public IReadOnlyDictionary<string, double> Take(IProcessGroup group)
    {
        if (_sums.Count == 0)
            return new Dictionary<string, double>();
        using var scope = NewDisposeScope();
        var means = stack(_sums.Values.Select(entry => entry.Sum / entry.Count));
        group.AllReduceSum(means);
        var values = means.Values<double>();
        var result = _sums.Keys.Zip(values).ToDictionary(pair => pair.First, pair => pair.Second / group.WorldSize);
        Clear();
        return result;
    }

    public void Save(StateWriter state)
    {
        foreach (var (name, (sum, count)) in _sums)
        {
            state.Write(name, sum);
            state.WriteValue(name, count);
        }
    }

    public void Load(StateReader state, Device device)
    {
        Clear();
        foreach (var name in state.TensorNames)
            _sums.Add(name, (state.Tensor(name)!.to(device).clone().DetachFromDisposeScope(), (long)state.Value(name)!));
    }

    public void Dispose() => Clear();

    private void Clear()
    {
        foreach (var (sum, _) in _sums.Values)
            sum.Dispose();
        _sums.Clear();
    }
}
