using Tessera.Framework.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses;

/// <summary>Class targets in the form that a loss wants.</summary>
internal static class Targets
{
    /// <summary>What marks a label that doesn't count, where nothing else was said: 255 in maps; nothing for whole images.</summary>
    public static long Ignored(int? chosen, Tensor logits) => chosen ?? (logits.dim() > 2 ? 255 : -100);

    /// <summary>Targets as one value per class.</summary>
    /// <param name="logits">[B, classes, …].</param>
    /// <param name="ignored">The label that doesn't count.</param>
    /// <returns>Dense: float32 in the logits' shape. Counts: [B, 1, …], 1 or 0; null where every position counts.</returns>
    public static (Tensor Dense, Tensor? Counts) Dense(Tensor logits, LossTargets targets, long ignored, string loss)
    {
        if (targets.SoftLabels is { } soft)
            return (soft, null);
        var labels = targets.Labels ?? throw NoLabels(loss);
        var counts = labels.ne(ignored);
        var hot = functional.one_hot(labels.where(counts, zeros_like(labels)), logits.shape[1]).movedim([-1], [1]);
        return (hot.to(ScalarType.Float32), logits.dim() > 2 ? counts.unsqueeze(1).to(ScalarType.Float32) : null);
    }

    /// <summary>The mean over the positions that count; 0 where none does.</summary>
    /// <param name="values">[B, classes, …].</param>
    /// <param name="counts">From <see cref="Dense"/>.</param>
    /// <param name="nonIgnored">false: the sum of those that count, over all positions.</param>
    public static Tensor Mean(Tensor values, Tensor? counts, bool nonIgnored = true) =>
        counts is null ? values.mean()
        : nonIgnored ? (values * counts).sum() / (counts.sum() * values.shape[1]).clamp_min(1)
        : (values * counts).mean();

    /// <summary>What a sum over hard labels is divided by for a mean that ignored labels lessen: each of them counts as a label of weight
    /// 1.</summary>
    /// <param name="weights">From <see cref="WeightOf"/>.</param>
    public static Tensor WithIgnored(Tensor weights, Tensor labels, long ignored) => weights.sum() + labels.eq(ignored).sum();

    /// <summary>How much each hard label counts: its class's weight, or 1; 0 where it is to be ignored.</summary>
    /// <returns>In the labels' shape, float32.</returns>
    public static Tensor WeightOf(Tensor labels, long ignored, Tensor? classWeight)
    {
        var counts = labels.ne(ignored);
        if (classWeight is null)
            return counts.to(ScalarType.Float32);
        var safe = labels.where(counts, zeros_like(labels));
        return classWeight.index_select(0, safe.flatten()).view_as(safe) * counts;
    }

    /// <summary>A vector of one value per class, to be multiplied with [B, classes, …].</summary>
    public static Tensor Along(Tensor perClass, Tensor logits)
    {
        var shape = new long[logits.dim()];
        Array.Fill(shape, 1);
        shape[1] = -1;
        return perClass.view(shape);
    }

    public static UserErrorException NoLabels(string loss) => new($"{loss} needs class labels, which the data does not give.");

    public static Tensor Values(Tensor logits, LossTargets targets, string loss)
    {
        var values = targets.Values ?? throw new UserErrorException($"{loss} needs regression targets, which the data does not give.");
        return values.shape.SequenceEqual(logits.shape)
            ? values
            : throw new UserErrorException(
                $"{loss}: the head gives [{string.Join(", ", logits.shape)}], the data [{string.Join(", ", values.shape)}]."
            );
    }
}
