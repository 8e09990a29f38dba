using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Suppression;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>How a detector without suppression predicts.</summary>
/// <param name="ScoreThr">A score must exceed it; by default every query's box counts, which average precision makes use of.</param>
/// <param name="MaxPerImg">At most this many boxes an image.</param>
/// <param name="MinBboxSize">Width and height, in pixels of the original image, must exceed it; negative: even boxes without area
/// stay.</param>
/// <param name="FuseConvBn">Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</param>
public sealed record QueryTestOptions(
    [property: Range(0, 1)] double ScoreThr = 0,
    [property: Range(1, 1_000_000)] int MaxPerImg = 100,
    [property: Range(-1, 10_000)] double MinBboxSize = 0,
    bool FuseConvBn = false
);

/// <summary>Makes predictions of scored boxes that are relative to their image.</summary>
internal static class QueryCandidates
{
    /// <param name="scores">[B, N].</param>
    /// <param name="labels">[B, N], int64.</param>
    /// <param name="boxes">[B, N, 4], centre and sides, relative.</param>
    /// <param name="areas">Where each image lies in its tensor.</param>
    /// <param name="finite">Of each image: whether the network's outputs were.</param>
    public static IReadOnlyList<DetectionPrediction> Predictions(
        (Tensor Scores, Tensor Labels, Tensor Boxes) found,
        Batch batch,
        IReadOnlyList<ImageArea> areas,
        bool[] finite,
        QueryTestOptions test
    )
    {
        using var scope = NewDisposeScope();
        var scores = found.Scores.to(ScalarType.Float32).cpu().contiguous().Values<float>();
        var labels = found.Labels.to(ScalarType.Int32).cpu().contiguous().Values<int>();
        var boxes = found.Boxes.to(ScalarType.Float32).cpu().contiguous().Values<float>();
        var each = (int)found.Scores.shape[1];
        var size = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        return
        [
            .. batch.Samples.Select(
                (sample, image) =>
                {
                    var best = Enumerable
                        .Range(image * each, each)
                        .Where(i => scores[i] > test.ScoreThr)
                        .OrderByDescending(i => scores[i]) // stable
                        .Take(test.MaxPerImg)
                        .ToArray();
                    var candidates = new Candidates(
                        [.. best.SelectMany(i => Corners(boxes.AsSpan(i * 4, 4), areas[image]))],
                        [.. best.Select(i => scores[i])],
                        [.. best.Select(i => labels[i])]
                    );
                    var kept = ImageFrame.ToOriginal(candidates, sample, size, test.MinBboxSize);
                    return new DetectionPrediction(kept.Corners, kept.Scores, kept.Labels) { OutputIsFinite = finite[image] };
                }
            ),
        ];
    }

    /// <summary>The same as tensors, of images without padding: boxes in pixels [B, N, 4], scores, 0 where too low, and labels.</summary>
    public static IReadOnlyList<(string Name, Tensor Value)> Tensors(
        (Tensor Scores, Tensor Labels, Tensor Boxes) found,
        Tensor images,
        QueryTestOptions test,
        string model
    )
    {
        if (test.MinBboxSize > 0)
            throw new UserErrorException(
                $"{model}: test.min_bbox_size is measured in the original image, which can't be done within an exported file."
            );
        using var scope = NewDisposeScope();
        var (height, width) = ((float)images.shape[2], (float)images.shape[3]);
        var boxes = RelativeBoxes.ToCorners(found.Boxes) * tensor([width, height, width, height], device: images.device);
        var scores = where(found.Scores.gt(test.ScoreThr), found.Scores, zeros_like(found.Scores));
        var labels = found.Labels.alias();
        scope.MoveToOuter(boxes, scores, labels);
        return [("boxes", boxes), ("scores", scores), ("labels", labels)];
    }

    private static float[] Corners(ReadOnlySpan<float> box, ImageArea area)
    {
        var (width, height) = (area.Right - area.Left, area.Bottom - area.Top);
        var (x, y, halfWidth, halfHeight) = (
            area.Left + (box[0] * width),
            area.Top + (box[1] * height),
            box[2] * width / 2,
            box[3] * height / 2
        );
        return [x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight];
    }
}
