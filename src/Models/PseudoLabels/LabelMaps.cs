using Tessera.Framework.Data;

namespace Tessera.Models.PseudoLabels;

/// <summary>From which score on a pixel belongs to a class.</summary>
/// <param name="Low">A pixel whose best score is not above it is background.</param>
/// <param name="High">One whose best score is above it is of that class; between the two it is ignored. Equal to
/// <paramref name="Low"/>: nothing is ignored.</param>
public sealed record BackgroundRule(double Low, double High)
{
    /// <summary>One threshold: the background scores this much everywhere, and the greatest score wins.</summary>
    public static BackgroundRule Fixed(double threshold) => new(threshold, threshold);
}

/// <summary>Scores of an image's classes become the label of each pixel: 0 the background, 1 + c class c, 255 ignored.</summary>
/// <remarks>Of equal scores the first class's wins, and the background's before any. With one threshold as PSA, MCTformer and ToCo's
/// cam_to_label have it, with two as ToCo's labels for training.</remarks>
public static class LabelMaps
{
    /// <summary>Ignored pixels' value.</summary>
    public const byte Ignored = 255;

    /// <summary>So many classes, and the background, fit into 8 bits.</summary>
    public const int MostClasses = 254;

    /// <summary>The labels of an image.</summary>
    /// <param name="scores">[classes, height, width], in [0, 1].</param>
    /// <param name="classes">What the scores are of, from 0.</param>
    /// <returns>[height, width], one channel of 8 bits.</returns>
    public static Image Of(ReadOnlySpan<float> scores, IReadOnlyList<int> classes, BackgroundRule rule, int height, int width)
    {
        var labels = new Image(height, width, 1);
        var (best, label) = Best(scores, classes, height * width);
        for (var i = 0; i < best.Length; i++)
            labels.Bytes[i] =
                !(best[i] > rule.Low) ? (byte)0
                : best[i] > rule.High ? label[i]
                : Ignored;
        return labels;
    }

    /// <summary>The greatest score of each pixel, and the label of the class that it is of.</summary>
    /// <param name="scores">[classes, pixels].</param>
    /// <param name="classes">What the scores are of, from 0.</param>
    /// <returns>[pixels] each: 0 and 0 where no score is above 0.</returns>
    public static (float[] Score, byte[] Label) Best(ReadOnlySpan<float> scores, IReadOnlyList<int> classes, int pixels)
    {
        if (scores.Length != (long)classes.Count * pixels)
            throw new ArgumentException($"{scores.Length} scores are not {classes.Count} maps of {pixels} pixels.", nameof(scores));
        if (classes.Any(index => index is < 0 or >= MostClasses))
            throw PseudoLabelErrors.TooManyClasses(classes.Max() + 1);
        var (best, label) = (new float[pixels], new byte[pixels]);
        for (var place = 0; place < classes.Count; place++)
        {
            var map = scores.Slice(place * pixels, pixels);
            var own = (byte)(classes[place] + 1);
            for (var i = 0; i < pixels; i++)
                if (map[i] > best[i])
                    (best[i], label[i]) = (map[i], own);
        }
        return (best, label);
    }
}
