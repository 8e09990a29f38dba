using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>What all losses share: a weight, and a time at which they come in.</summary>
public abstract class WeightedLoss(string name) : Loss(name)
{
    private ClassWeight? _unfilled; // a rule without its values
    private bool _looked; // at the first logits: whoever puts a softmax before a loss does it from the start

    /// <summary>Factor of the term in the sum.</summary>
    [FromConfig, Range(0, double.MaxValue)]
    public double Weight { get; set; } = 1;

    /// <summary>Iterations at the start in which the term is left out.</summary>
    [FromConfig, Range(0, int.MaxValue)]
    public int WarmupIters { get; set; }

    /// <summary>Iterations after the warm-up over which the weight rises linearly from 0.</summary>
    [FromConfig, Range(0, int.MaxValue)]
    public int RampIters { get; set; }

    /// <summary>Where the run stands in the present call.</summary>
    protected Progress Now { get; private set; }

    /// <summary>The term's weight at a point of the run.</summary>
    public double WeightAt(Progress progress)
    {
        if (progress.Iteration < WarmupIters)
            return 0;
        var since = progress.Iteration - WarmupIters;
        return since < RampIters ? Weight * since / RampIters : Weight;
    }

    public sealed override Tensor Compute(Tensor logits, LossTargets targets, Progress progress)
    {
        using var scope = NewDisposeScope();
        Now = progress;
        var weight = WeightAt(progress);
        if (weight == 0)
            return scope.MoveToOuter(
                targets.Embeddings is { } embeddings ? Nothing(logits) + NoneOf(embeddings, targets.Embed) : Nothing(logits)
            );
        logits = logits.to(ScalarType.Float32);
        if (!_looked && Activation != ClassActivation.Other)
            (_looked, Suspicion) = (true, ProbabilityLook.At(logits, Activation));
        var value = Unweighted(logits, targets);
        return scope.MoveToOuter(weight == 1 ? value : value * weight);
    }

    /// <summary>A zero that still reaches every parameter below, at no cost.</summary>
    protected static Tensor Nothing(Tensor tensor) => tensor.flatten().narrow(0, 0, 0).to(ScalarType.Float32).sum();

    private static Tensor NoneOf(Tensor embeddings, Func<Tensor, Tensor>? embed) =>
        Nothing(embed is null ? embeddings : embed(embeddings.narrow(0, 0, 0).permute(0, 2, 3, 1).reshape(0, embeddings.shape[1])));

    /// <param name="logits">[B, classes, …], float32.</param>
    /// <returns>A scalar.</returns>
    protected abstract Tensor Unweighted(Tensor logits, LossTargets targets);

    /// <summary>A vector of weights as a buffer that follows the module's device and is not saved; read with
    /// <see cref="Vector"/>.</summary>
    protected void Keep(string name, double[]? values)
    {
        if (values is not null)
            register_buffer(name, tensor(values, dtype: ScalarType.Float32), persistent: false);
    }

    /// <summary>The same of class weights; a rule must have got its values before the loss is first computed.</summary>
    protected void Keep(string name, ClassWeight? weight)
    {
        Keep(name, weight?.Values);
        if (weight is { Values: null })
            _unfilled = weight;
    }

    /// <summary>What <see cref="Keep(string, double[])"/> kept; null where nothing was given.</summary>
    /// <param name="length">How many values there must be.</param>
    /// <exception cref="UserErrorException">There are more or fewer, or a rule was left without its values.</exception>
    protected Tensor? Vector(string name, long length)
    {
        if (_unfilled is not null)
            throw _unfilled.Unfilled(GetName());
        var buffer = get_buffer(name);
        if (buffer is not null && buffer.shape[0] != length)
            throw new UserErrorException($"{GetName()}: {name} has {buffer.shape[0]} values, but there are {length} outputs.");
        return buffer;
    }
}
