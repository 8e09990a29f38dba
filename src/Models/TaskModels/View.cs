using Tessera.Models.Layers;
using Tessera.Models.TaskModels.Segmentation;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>A way to look at an image when it is predicted: a size, and whether it is mirrored.</summary>
/// <param name="Weight">Of its probabilities in the mean; all views' sum to 1.</param>
internal readonly record struct View(double Scale, bool FlipX, bool FlipY, double Weight)
{
    /// <summary>The views that a model's test options ask for: every scale plain, and mirrored in all ways.</summary>
    /// <exception cref="UserErrorException">A scale or a weight is out of bounds, or the options contradict each other.</exception>
    public static View[] Of(double[]? wanted, double[]? weighted, bool flips, MirrorDirection[]? directed)
    {
        var scales = wanted ?? [1];
        if (scales.Any(scale => scale is not (>= 0.05 and <= 20)))
            throw new UserErrorException($"test.scales must lie in 0.05 .. 20, not [{string.Join(", ", scales)}].");
        if (weighted is not null && (weighted.Length != scales.Length || weighted.Any(weight => weight is not (> 0 and < 1e6))))
            throw new UserErrorException(
                $"test.weights needs a positive weight for each of the {scales.Length} scales, not [{string.Join(", ", weighted)}]."
            );
        if (directed is not null && !flips)
            throw new UserErrorException("test.flip_directions says what is mirrored where test.flip is true.");
        var directions = !flips ? [] : directed ?? [MirrorDirection.Horizontal];
        bool[] across = directions.Contains(MirrorDirection.Horizontal) ? [false, true] : [false];
        bool[] down = directions.Contains(MirrorDirection.Vertical) ? [false, true] : [false];
        var weights = weighted ?? [.. scales.Select(_ => 1.0)];
        var total = weights.Sum() * across.Length * down.Length;
        return [.. from pair in scales.Zip(weights) from x in across from y in down select new View(pair.First, x, y, pair.Second / total)];
    }

    /// <summary>Images as this view has them.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <returns>The images themselves where nothing changes.</returns>
    public Tensor Show(Tensor images)
    {
        if (Scale != 1)
            images = Upsampling.To(images, [Scaled(images.shape[2]), Scaled(images.shape[3])], alignCorners: false);
        return (FlipX, FlipY) switch
        {
            (true, true) => images.flip([2, 3]),
            (true, false) => images.flip([3]),
            (false, true) => images.flip([2]),
            _ => images,
        };
    }

    private long Scaled(long side) => Math.Max(1, (long)Math.Round(side * Scale));
}
