using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using static TorchSharp.torch;

namespace Tessera.Ensembles;

/// <summary>The mean of the weights of several checkpoints of one architecture: one model, at the cost of one.</summary>
/// <remarks>
/// Wortsman et al., "Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing inference time",
/// ICML 2022, arXiv:2203.05482. It works for runs that went off from one initial point. Floating-point tensors are averaged, in double
/// precision, the norms' statistics among them; others (counters) are the first one's. Of a single checkpoint it is that one bit for bit.
/// </remarks>
public sealed class WeightSoup : IDisposable
{
    private readonly Dictionary<string, Tensor> _sums = [];
    private readonly Dictionary<string, Tensor> _kept = []; // as they are in the first; for one member, and for what is not averaged
    private readonly bool _averaged;
    private string? _first;

    /// <param name="averaged">Take the averaged weights of a checkpoint that has them.</param>
    public WeightSoup(bool averaged) => _averaged = averaged;

    /// <summary>How many checkpoints it is made of.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a checkpoint's weights.</summary>
    /// <exception cref="UserErrorException">It is of another architecture than the first; nothing was added.</exception>
    public void Add(Checkpoint checkpoint)
    {
        var names = checkpoint.ModelNames(_averaged);
        Require(checkpoint, names);
        using var nothing = no_grad();
        foreach (var (name, full) in names)
        {
            using var stored = checkpoint.Read(full);
            if (Count == 0)
                _kept[name] = stored.clone().DetachFromDisposeScope();
            if (!stored.is_floating_point())
                continue;
            using var wide = stored.to(ScalarType.Float64);
            if (_sums.TryGetValue(name, out var sum))
                sum.add_(wide);
            else
                _sums[name] = wide.clone().DetachFromDisposeScope();
        }
        Count++;
        _first ??= checkpoint.Path;
    }

    /// <summary>The same with one checkpoint more; this one stays as it is.</summary>
    /// <exception cref="UserErrorException">It is of another architecture.</exception>
    public WeightSoup With(Checkpoint checkpoint)
    {
        var more = new WeightSoup(_averaged) { Count = Count, _first = _first };
        foreach (var (name, tensor) in _sums)
            more._sums[name] = tensor.clone().DetachFromDisposeScope();
        foreach (var (name, tensor) in _kept)
            more._kept[name] = tensor.clone().DetachFromDisposeScope();
        try
        {
            more.Add(checkpoint);
            return more;
        }
        catch
        {
            more.Dispose();
            throw;
        }
    }

    /// <summary>The mean, by the model's names; the caller's.</summary>
    public IReadOnlyDictionary<string, Tensor> Weights()
    {
        using var nothing = no_grad();
        var weights = new Dictionary<string, Tensor>();
        foreach (var (name, kept) in _kept)
        {
            using var scope = NewDisposeScope();
            weights[name] = (
                Count > 1 && _sums.TryGetValue(name, out var sum) ? (sum / Count).to(kept.dtype) : kept.clone()
            ).DetachFromDisposeScope();
        }
        return weights;
    }

    /// <summary>Writes it as a checkpoint that every tool takes, and of which no run can be resumed.</summary>
    /// <param name="info">What it says of itself.</param>
    /// <returns>The file's path.</returns>
    /// <exception cref="UserErrorException">The disk is full or can't be written.</exception>
    public string Save(string folder, string name, CheckpointInfo info)
    {
        var weights = Weights();
        try
        {
            var state = new StateWriter();
            var model = state.Under(CheckpointParts.Model);
            foreach (var (key, tensor) in weights)
                model.Write(key, tensor);
            return new CheckpointStore(folder).SaveAside(name, state, info);
        }
        finally
        {
            foreach (var tensor in weights.Values)
                tensor.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _sums.Values.Concat(_kept.Values))
            tensor.Dispose();
    }

    private void Require(Checkpoint checkpoint, IReadOnlyDictionary<string, string> names)
    {
        if (Count == 0)
            return;
        var strange =
            names.Keys.FirstOrDefault(name => !_kept.ContainsKey(name)) ?? _kept.Keys.FirstOrDefault(name => !names.ContainsKey(name));
        if (strange is not null)
            throw Other($"only one of the two has the tensor {strange}");
        foreach (var (name, full) in names)
            if (!checkpoint.Tensors[full].Shape.SequenceEqual(_kept[name].shape))
                throw Other(
                    $"its {name} is [{string.Join(", ", checkpoint.Tensors[full].Shape)}], the first one's "
                        + $"[{string.Join(", ", _kept[name].shape)}]"
                );

        UserErrorException Other(string what) =>
            new(
                $"{checkpoint.Path}: another architecture than {_first}'s: {what}. Weights can only be averaged of runs of one config; an "
                    + $"ensemble of their predictions takes both."
            );
    }
}
