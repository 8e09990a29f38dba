using Tessera.Framework.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <param name="LearningRates">One head each; by default the 13 of <see cref="LinearProbe.UsualRates"/>.</param>
/// <param name="Epochs">Passes over the features.</param>
/// <param name="BatchSize">Samples a step; each rate is multiplied by it over 256.</param>
/// <param name="Momentum">Of the descent.</param>
/// <param name="Seed">Of the first weights and the order.</param>
public sealed record LinearProbeOptions(
    double[]? LearningRates = null,
    int Epochs = 10,
    int BatchSize = 128,
    double Momentum = 0.9,
    long Seed = 0
);

/// <summary>
/// Linear classifiers on frozen features, one for each of many learning rates, trained at once: they see the same batches, and one
/// multiplication serves all.
/// </summary>
/// <remarks>
/// The protocol of Oquab et al., "DINOv2", 2023, arXiv:2304.07193, in its published evaluation: stochastic gradient descent with momentum,
/// no weight decay, rates that fall to 0 along a cosine, weights that begin as a normal of deviation 0.01 and biases of 0. Softmax cross
/// entropy, or sigmoid cross entropy for several labels a sample, the mean over samples (and classes). The gradients are written out, since
/// each head has a loss of its own.
/// </remarks>
public sealed class LinearProbe : IDisposable
{
    private const double Deviation = 0.01;

    private readonly Tensor _weight, // [D, heads · classes]
        _bias; // [heads · classes]
    private readonly int _classes;

    private LinearProbe(FeatureSet set, LinearProbeOptions options)
    {
        LearningRates = options.LearningRates ?? [.. UsualRates];
        _classes = set.Classes;
        var random = RandomSource.For(options.Seed, 0, long.MaxValue);
        var first = new float[set.File.Width * _classes];
        for (var i = 0; i < first.Length; i++)
            first[i] = (float)(random.Normal() * Deviation);
        using var scope = NewDisposeScope();
        var one = tensor(first, [set.File.Width, _classes]); // all heads begin alike
        _weight = one.repeat(1, LearningRates.Count).to(set.Features.device).alias().DetachFromDisposeScope();
        _bias = zeros(LearningRates.Count * _classes, device: set.Features.device).DetachFromDisposeScope();
    }

    /// <summary>1e-5, 2e-5, 5e-5 and so on to 0.1.</summary>
    public static IReadOnlyList<double> UsualRates { get; } = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1];

    /// <summary>Of each head, as given.</summary>
    public IReadOnlyList<double> LearningRates { get; }

    /// <summary>Trains.</summary>
    /// <param name="advance">Told epochs done, epochs in all.</param>
    public static LinearProbe Train(FeatureSet set, LinearProbeOptions options, Action<int, int>? advance = null)
    {
        var probe = new LinearProbe(set, options);
        probe.Descend(set, options, advance);
        return probe;
    }

    /// <summary>Logits of a head.</summary>
    /// <param name="features">[N, D].</param>
    /// <returns>[N, classes].</returns>
    public Tensor Logits(Tensor features, int head)
    {
        using var scope = NewDisposeScope();
        var (start, device) = ((long)head * _classes, features.device);
        return (
            features.matmul(_weight.narrow(1, start, _classes).to(device)) + _bias.narrow(0, start, _classes).to(device)
        ).MoveToOuterDisposeScope();
    }

    /// <summary>A head as a linear layer has it.</summary>
    /// <returns>[classes, D] and [classes], on the CPU.</returns>
    public (Tensor Weight, Tensor Bias) Head(int head)
    {
        using var scope = NewDisposeScope();
        var start = (long)head * _classes;
        return (
            _weight.narrow(1, start, _classes).t().contiguous().cpu().alias().MoveToOuterDisposeScope(),
            _bias.narrow(0, start, _classes).contiguous().cpu().alias().MoveToOuterDisposeScope()
        );
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }

    private void Descend(FeatureSet set, LinearProbeOptions options, Action<int, int>? advance)
    {
        using var all = NewDisposeScope();
        using var nothing = no_grad();
        var rates = tensor(
            LearningRates.SelectMany(rate => Enumerable.Repeat((float)(rate * options.BatchSize / 256), _classes)).ToArray(),
            device: set.Features.device
        );
        var (momentum, momentumOfBias) = (zeros_like(_weight), zeros_like(_bias));
        var steps = (set.Count + options.BatchSize - 1) / options.BatchSize;
        for (var epoch = 0; epoch < options.Epochs; epoch++)
        {
            var order = Array.ConvertAll(RandomSource.For(options.Seed, epoch, long.MinValue).Permutation(set.Count), i => (long)i);
            for (var step = 0; step < steps; step++)
            {
                using var scope = NewDisposeScope();
                var chosen = tensor(
                    order[(step * options.BatchSize)..Math.Min((step + 1) * options.BatchSize, order.Length)],
                    device: set.Features.device
                );
                var x = set.Features.index_select(0, chosen); // [B, D]
                var slope = Slope(x.matmul(_weight) + _bias, set.Truth.index_select(0, chosen), set.IsMultiLabel); // [B, heads · classes]
                var done = (double)((epoch * steps) + step) / ((long)options.Epochs * steps);
                var falling = rates * (0.5 * (1 + Math.Cos(Math.PI * done)));
                momentum.mul_(options.Momentum).add_(x.t().matmul(slope));
                momentumOfBias.mul_(options.Momentum).add_(slope.sum([0]));
                _weight.add_(momentum * falling, -1);
                _bias.add_(momentumOfBias * falling, -1);
            }
            advance?.Invoke(epoch + 1, options.Epochs);
        }
    }

    /// <summary>The derivative of each head's loss with respect to its logits.</summary>
    private Tensor Slope(Tensor logits, Tensor truth, bool multiLabel)
    {
        var batch = logits.shape[0];
        var byHead = logits.view(batch, LearningRates.Count, _classes);
        var slope = multiLabel
            ? (byHead.sigmoid() - truth.unsqueeze(1)) / ((double)batch * _classes)
            : (byHead.softmax(2) - nn.functional.one_hot(truth, _classes).unsqueeze(1)) / (double)batch;
        return slope.view(batch, -1);
    }
}
