using Tessera.Framework.Data;
using Tessera.Models.Layers;
using Tessera.Models.PseudoLabels;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What ToCo takes for the truth of patches, crops and pixels, from scores in [0, 1] of the classes that images show.</summary>
/// <remarks>Values are 0 the background, 1 + c class c, 255 ignored, int64. Scores of classes that an image doesn't show are 0.</remarks>
/// <param name="low">Scores not above it are background.</param>
/// <param name="high">Scores above it are of the class.</param>
internal sealed class TocoLabels(double low, double high)
{
    private readonly PixelRefinement _refinement = new();

    /// <summary>The best class where its score is high, the background where it is low, ignored between.</summary>
    /// <param name="scores">[B, classes, h, w].</param>
    /// <param name="outside">[B, h, w], true: ignored.</param>
    /// <returns>[B, h, w].</returns>
    public Tensor Of(Tensor scores, Tensor? outside)
    {
        using var scope = NewDisposeScope();
        var (best, index) = scores.max(1);
        var labels = (index + 1).masked_fill(best.gt(high).logical_not(), LabelMaps.Ignored).masked_fill(best.gt(low).logical_not(), 0);
        return scope.MoveToOuter(outside is null ? labels : labels.masked_fill(outside, LabelMaps.Ignored));
    }

    /// <summary>Where crops show nothing (0), what is uncertain (1), or objects (2).</summary>
    /// <param name="scores">[B, classes, h, w].</param>
    /// <returns>[B, h, w], 8 bits.</returns>
    public Tensor Regions(Tensor scores)
    {
        using var scope = NewDisposeScope();
        var best = scores.amax([1]);
        return scope.MoveToOuter((best.gt(low).to(ScalarType.Byte) + best.ge(high).to(ScalarType.Byte)).to(ScalarType.Byte));
    }

    /// <summary>The same for pixels, by scores that follow the colours' edges: once beside a background of the high threshold, once of the
    /// low one. Ignored where the two disagree about the background.</summary>
    /// <param name="images">[B, C, H, W], colours of any unit.</param>
    /// <param name="scores">[B, classes, H, W].</param>
    /// <param name="present">[B, classes], above 0 where the image shows the class.</param>
    /// <param name="outside">[B, H, W], true: ignored.</param>
    /// <returns>[B, H, W].</returns>
    public Tensor Refined(Tensor images, Tensor scores, Tensor present, Tensor? outside)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (images.shape[2], images.shape[3]);
        long[] half = [Math.Max(1, height / 2), Math.Max(1, width / 2)];
        var (pixels, small) = (Upsampling.To(images, half, alignCorners: false), Upsampling.To(scores, half, alignCorners: false));
        var labels = new List<Tensor>();
        for (var i = 0; i < images.shape[0]; i++)
        {
            using var round = NewDisposeScope();
            var shown = present[i].gt(0).nonzero().flatten(); // [K]
            var own = small[i].index_select(0, shown); // [K, h, w]
            var both = cat([Beside(own, high), Beside(own, low)]);
            var smooth = Upsampling.To(_refinement.Refine(pixels[i], both).unsqueeze(0), [height, width], alignCorners: false);
            var names = cat([zeros([1], ScalarType.Int64, images.device), shown + 1]);
            var parts = smooth[0].chunk(2, 0).Select(part => names.index_select(0, part.argmax(0).flatten()).view(height, width)).ToArray();
            var (certain, eager) = (parts[0], parts[1]);
            var unsure = certain.eq(0).logical_and(eager.ne(0));
            labels.Add(round.MoveToOuter(certain.masked_fill(unsure, LabelMaps.Ignored)));
        }
        var all = stack(labels);
        return scope.MoveToOuter(outside is null ? all : all.masked_fill(outside, LabelMaps.Ignored));
    }

    /// <summary>Which places of a map lie in an image's padding, by their centres.</summary>
    /// <returns>[B, height, width]; null where no image is padded.</returns>
    public static Tensor? Outside(Batch batch, int height, int width)
    {
        if (batch.Samples.All(sample => sample.Geometry is null || sample.Geometry.Padding == default))
            return null;
        var (imageHeight, imageWidth) = (batch.Images.shape[2], batch.Images.shape[3]);
        var outside = new bool[batch.Count * height * width];
        for (var i = 0; i < batch.Count; i++)
        {
            var (left, top, right, bottom) = batch.Samples[i].Geometry?.Padding ?? default;
            for (var y = 0; y < height; y++)
            {
                var row = (y + 0.5) * imageHeight / height;
                for (var x = 0; x < width; x++)
                {
                    var column = (x + 0.5) * imageWidth / width;
                    outside[(((i * height) + y) * width) + x] =
                        row < top || row > imageHeight - bottom || column < left || column > imageWidth - right;
                }
            }
        }
        return tensor(outside).view(batch.Count, height, width).to(batch.Images.device);
    }

    private static Tensor Beside(Tensor scores, double background) =>
        cat([full([1, scores.shape[1], scores.shape[2]], background, scores.dtype, scores.device), scores]).softmax(0);
}
