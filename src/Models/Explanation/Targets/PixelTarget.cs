using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Targets;

/// <summary>The mean logit of a class over some pixels of a segmentation, of each image. Which pixels was decided on the images as they
/// are, and stays when they are changed.</summary>
/// <remarks>Vinogradova et al., "Towards Interpretable Semantic Segmentation via Gradient-Weighted Class Activation Mapping", 2020,
/// arXiv:2002.11434.</remarks>
public sealed class PixelTarget : ScoreTarget
{
    private readonly IReadOnlyList<string> _names;
    private readonly float[] _weights; // [B, h, w], of each image summing to 1
    private readonly long[] _size;
    private readonly string _where;

    private PixelTarget(IReadOnlyList<int> classes, IReadOnlyList<string> names, float[] weights, long[] size, string where) =>
        (Classes, _names, _weights, _size, _where) = (classes, names, weights, size, where);

    /// <summary>Of each image.</summary>
    public IReadOnlyList<int> Classes { get; }

    /// <summary>Over the pixels that the model gives to the class, at the size of its logits.</summary>
    /// <param name="images">[B, C, H, W] on the model's device.</param>
    /// <param name="classes">Of each image one.</param>
    /// <param name="names">Of all classes.</param>
    /// <param name="orAll">An image in which the class has no pixel: true takes all its pixels, false is an error.</param>
    /// <exception cref="UserErrorException">The class has no pixel in one of the images.</exception>
    public static PixelTarget OfClass(
        VisionModel model,
        Tensor images,
        IReadOnlyList<int> classes,
        IReadOnlyList<string> names,
        bool orAll = false
    )
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var decided = Logits(model, images).argmax(1); // [B, h, w]
        var wanted = tensor(classes.Select(label => (long)label).ToArray(), device: images.device).view(-1, 1, 1);
        var weights = decided.eq(wanted).to(ScalarType.Float32);
        var counts = weights.sum([1, 2]).cpu().contiguous().Values<float>();
        var missing = Array.IndexOf(counts, 0f);
        if (missing >= 0 && !orAll)
            throw ExplanationErrors.NoPixel(names[classes[missing]], [.. Present(decided[missing]).Select(label => names[label])]);
        weights = where(weights.sum([1, 2], keepdim: true).gt(0), weights, ones_like(weights));
        return Of(classes, names, weights, missing >= 0 ? "all pixels, as it has none" : "its pixels");
    }

    /// <summary>Over a region.</summary>
    /// <param name="region">[H, W] for all images or [B, H, W] for each, at the images' size, how much each pixel counts: not
    /// negative.</param>
    /// <exception cref="UserErrorException">The region is of another size, or empty.</exception>
    public static PixelTarget OfRegion(
        VisionModel model,
        Tensor images,
        IReadOnlyList<int> classes,
        IReadOnlyList<string> names,
        Tensor region
    )
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var own = region.dim() == 2 ? region.unsqueeze(0).expand(images.shape[0], -1, -1) : region;
        if (own.dim() != 3 || own.shape[0] != images.shape[0] || own.shape[1] != images.shape[2] || own.shape[2] != images.shape[3])
            throw new UserErrorException(
                $"The region has the shape [{string.Join(", ", region.shape)}], but the images have {images.shape[2]} x {images.shape[3]} "
                    + "pixels: a region of their size was expected."
            );
        var logits = Logits(model, images);
        // What of a cell of the logits lies in the region.
        var weights = nn
            .functional.adaptive_avg_pool2d(own.to(ScalarType.Float32).to(images.device).unsqueeze(1), [logits.shape[2], logits.shape[3]])
            .squeeze(1);
        if (weights.amin().item<float>() < 0 || weights.sum([1, 2]).amin().item<float>() <= 0)
            throw new UserErrorException("The region holds no pixel of the image: a region with at least one was expected.");
        return Of(classes, names, weights, "a region");
    }

    /// <summary>A region that is a rectangle.</summary>
    /// <param name="height">Of the image.</param>
    /// <param name="width">Of the image.</param>
    /// <param name="corners">x1, y1, x2, y2 in pixels; x2 and y2 are the first column and row outside.</param>
    /// <returns>[H, W], float32, 1 inside, of the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">It holds no pixel of the image.</exception>
    public static Tensor Rectangle(int height, int width, (int X1, int Y1, int X2, int Y2) corners)
    {
        var (left, top) = (Math.Max(0, corners.X1), Math.Max(0, corners.Y1));
        var (right, bottom) = (Math.Min(width, corners.X2), Math.Min(height, corners.Y2));
        if (left >= right || top >= bottom)
            throw new UserErrorException(
                $"The rectangle ({corners.X1}, {corners.Y1}, {corners.X2}, {corners.Y2}) holds no pixel of the image, which is {width} "
                    + $"wide and {height} high: x1, y1, x2, y2 with x1 < x2 and y1 < y2 were expected."
            );
        var region = new float[height * width];
        for (var row = top; row < bottom; row++)
            region.AsSpan((row * width) + left, right - left).Fill(1);
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(tensor(region).view(height, width));
    }

    public override Tensor Of(Tensor[] outputs, IReadOnlyList<int> owners)
    {
        var logits = outputs[0];
        if (logits.shape[2] != _size[1] || logits.shape[3] != _size[2])
            throw new UserErrorException(
                $"The pixels were chosen at {_size[1]} x {_size[2]}, but these images give logits of {logits.shape[2]} x "
                    + $"{logits.shape[3]}: images of the same size were expected."
            );
        using var scope = NewDisposeScope();
        var image = tensor(owners.Select(owner => (long)owner).ToArray(), device: logits.device);
        var weights = tensor(_weights, device: logits.device).view(_size).index_select(0, image).to(logits.dtype);
        var wanted = tensor(owners.Select(owner => (long)Classes[owner]).ToArray(), device: logits.device);
        var rows = arange(owners.Count, device: logits.device);
        return scope.MoveToOuter((logits.index(rows, wanted) * weights).sum([1, 2]));
    }

    public override string NameOf(int image) => $"{_names[Classes[image]]} ({_where})";

    public override ScoreTarget Mirrored()
    {
        var mirrored = new float[_weights.Length];
        var width = (int)_size[2];
        for (var i = 0; i < mirrored.Length; i++)
            mirrored[i] = _weights[i - (i % width) + (width - 1 - (i % width))];
        return new PixelTarget(Classes, _names, mirrored, _size, _where);
    }

    /// <summary>The classes to which a map gives pixels, the most frequent first.</summary>
    /// <param name="map">Class indices.</param>
    internal static int[] Present(Tensor map) =>
        [
            .. map.cpu()
                .contiguous()
                .Values<long>()
                .GroupBy(label => label)
                .OrderByDescending(group => group.Count())
                .Select(group => (int)group.Key),
        ];

    internal static Tensor Logits(VisionModel model, Tensor images)
    {
        var logits = model.Explainable().Outputs(images)[0];
        return logits.dim() == 4 ? logits : throw ExplanationErrors.NoPixels(model);
    }

    private static PixelTarget Of(IReadOnlyList<int> classes, IReadOnlyList<string> names, Tensor weights, string where)
    {
        var scaled = weights / weights.sum([1, 2], keepdim: true);
        return new PixelTarget(classes, names, scaled.cpu().contiguous().Values<float>(), scaled.shape, where);
    }
}
