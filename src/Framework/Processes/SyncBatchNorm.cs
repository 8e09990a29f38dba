using System.Runtime.CompilerServices;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>Makes batch norms take mean and variance over the batches of all processes, in training.</summary>
/// <remarks>
/// The norms stay what they are, so that names, checkpoints and taps don't change: a hook puts the common result in place of
/// their own. Gradients pass through the exchanged sums, so that two processes train as one with the doubled batch.
/// </remarks>
public static class SyncBatchNorm
{
    private static readonly ConditionalWeakTable<nn.Module, IProcessGroup> s_attached = [];

    /// <summary>From now on. Norms in evaluation mode (frozen ones) keep to their running statistics.</summary>
    /// <returns>How many norms there are.</returns>
    public static int Attach(nn.Module model, IProcessGroup group)
    {
        var count = 0;
        foreach (var norm in model.modules().OfType<BatchNorm>())
        {
            if (!s_attached.TryAdd(norm, group))
                continue;
            count++;
            var synchronized = false;
            // Its own forward runs in evaluation mode meanwhile, so that it leaves the statistics alone.
            norm.register_forward_pre_hook(
                (_, _) =>
                {
                    synchronized = norm.training;
                    if (synchronized)
                        norm.eval();
                    return null!;
                }
            );
            norm.register_forward_hook(
                (_, input, output) =>
                {
                    if (!synchronized)
                        return output;
                    synchronized = false;
                    norm.train();
                    return Normalize(norm, input, group);
                }
            );
        }
        return count;
    }

    /// <summary>Whether a norm takes its statistics over several processes.</summary>
    public static bool Spans(nn.Module norm) => s_attached.TryGetValue(norm, out _);

    private static Tensor Normalize(BatchNorm norm, Tensor input, IProcessGroup group)
    {
        using var scope = NewDisposeScope();
        var x = input.to(ScalarType.Float32);
        long[] others = [.. Enumerable.Range(0, (int)x.dim()).Where(d => d != 1).Select(d => (long)d)];
        var channels = x.shape[1];
        long[] along = [.. Enumerable.Range(0, (int)x.dim()).Select(d => d == 1 ? channels : 1)];

        // The mean first, then the squares around it: the difference of two large sums would lose the variance.
        var sums = group.Sum(cat([x.sum(others), full([1], x.numel() / channels, dtype: ScalarType.Float32, device: x.device)]));
        var count = sums.narrow(0, channels, 1).detach();
        var mean = sums.narrow(0, 0, channels) / count;
        var centred = x - mean.view(along);
        var variance = group.Sum(centred.square().sum(others)) / count;
        Track(norm, mean.detach(), variance.detach(), count);

        var factor = (variance + norm.eps).rsqrt();
        if (norm.affine)
            factor = factor * norm.weight;
        var y = centred * factor.view(along);
        if (norm.affine)
            y = y + norm.bias!.view(along);
        return scope.MoveToOuter(y.to(input.dtype));
    }

    private static void Track(BatchNorm norm, Tensor mean, Tensor variance, Tensor count)
    {
        if (norm.running_mean is not { } runningMean || norm.running_var is not { } runningVariance)
            return;
        using var nothing = no_grad();
        norm.num_batches_tracked!.add_(1);
        var share = norm.momentum is { } momentum
            ? full([1], momentum, device: mean.device)
            : 1 / norm.num_batches_tracked.to(ScalarType.Float32);
        runningMean.add_((mean - runningMean) * share);
        runningVariance.add_(((variance * count / (count - 1).clamp_min(1)) - runningVariance) * share);
    }
}
