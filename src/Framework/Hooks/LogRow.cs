using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <summary>The row of the log that is being gathered: losses are summed where they are, and read in one go when the row is due; other
/// values stand as they are.</summary>
internal sealed class LogRow : IDisposable
{
    private readonly Dictionary<string, (Tensor Sum, long Count)> _sums = [];
    private readonly Dictionary<string, double> _values = [];

    /// <summary>The values beside the losses.</summary>
    public IReadOnlyDictionary<string, double> Values => _values;

    public void Set(string name, double value) => _values[name] = value;

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

    /// <summary>The mean of each loss since the last call, over all processes, their sum as "loss", and the other values. The row is empty
    /// then.</summary>
    public IReadOnlyDictionary<string, double> Take(IProcessGroup group)
    {
        var row = Means(group);
        if (row.Count > 0)
            row.TryAdd("loss", row.Values.Sum());
        foreach (var (name, value) in _values)
            row[name] = value;
        Clear();
        return row;
    }

    /// <summary>The sums of the losses. The other values are the caller's to save, as numbers.</summary>
    public void Save(StateWriter state)
    {
        foreach (var (name, (sum, count)) in _sums)
        {
            state.Write(name, sum);
            state.WriteValue(name, count);
        }
    }

    /// <param name="values">Those beside the losses.</param>
    public void Load(StateReader losses, IReadOnlyDictionary<string, double> values, Device device)
    {
        Clear();
        foreach (var (name, value) in values)
            _values[name] = value;
        foreach (var name in losses.TensorNames)
            _sums.Add(name, (losses.Tensor(name)!.to(device).clone().DetachFromDisposeScope(), (long)losses.Value(name)!));
    }

    public void Dispose() => Clear();

    private Dictionary<string, double> Means(IProcessGroup group)
    {
        if (_sums.Count == 0)
            return [];
        using var scope = NewDisposeScope();
        var means = stack(_sums.Values.Select(entry => entry.Sum / entry.Count));
        group.AllReduceSum(means);
        return _sums.Keys.Zip(means.Values<double>()).ToDictionary(pair => pair.First, pair => pair.Second / group.WorldSize);
    }

    private void Clear()
    {
        foreach (var (sum, _) in _sums.Values)
            sum.Dispose();
        _sums.Clear();
        _values.Clear();
    }
}
