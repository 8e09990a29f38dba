using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Models.Detection;
using Tessera.Models.Detection.RoI;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>What suppression left of an image.</summary>
/// <param name="Corners">[N * 4], in pixels of the original image.</param>
/// <param name="InBatch">[N * 4], in pixels of the batch's tensor.</param>
internal sealed record KeptRegions(float[] Corners, float[] Scores, int[] Labels, float[] InBatch);

/// <summary>Makes the masks of boxes that were found.</summary>
internal sealed class RegionMasks(RoIHead head, TwoStageTestOptions test)
{
    /// <summary>The masks of what is left, the mean of all looks, in the original images.</summary>
    public IReadOnlyList<RunLengthMask>[] Of(
        List<(TestLook Look, Tensor[] Maps)> looks,
        KeptRegions[] left,
        IReadOnlyList<Sample> samples,
        (int Height, int Width) size
    )
    {
        var (labels, images) = (
            left.SelectMany(kept => kept.Labels).ToArray(),
            left.SelectMany((kept, i) => Enumerable.Repeat(i, kept.Labels.Length)).ToArray()
        );
        if (labels.Length == 0)
            return Array.ConvertAll(left, _ => (IReadOnlyList<RunLengthMask>)[]);
        using var scope = NewDisposeScope();
        Tensor? sum = null;
        foreach (var (look, maps) in looks)
        {
            var corners = left.SelectMany(kept => kept.InBatch).ToArray();
            look.FromBatch(corners);
            var ofLook = look.Mirrored(head.Masks(maps, new RoIs(BoxArray.Of(corners), images), labels));
            sum = sum is null ? ofLook : sum + ofLook;
        }
        var cells = (int)sum!.shape[2];
        var masks = (sum / looks.Count).cpu().contiguous().Values<float>();
        var starts = left.Select((_, i) => left.Take(i).Sum(kept => kept.Labels.Length)).ToArray();
        var pasted = new RunLengthMask[labels.Length];
        Parallel.For(
            0,
            pasted.Length,
            i =>
                pasted[i] = Paste(
                    masks.AsSpan(i * cells * cells, cells * cells),
                    cells,
                    left[images[i]],
                    i - starts[images[i]],
                    samples[images[i]],
                    size
                )
        );
        return [.. left.Select((kept, i) => pasted.AsSpan(starts[i], kept.Labels.Length).ToArray())];
    }

    private RunLengthMask Paste(ReadOnlySpan<float> mask, int cells, KeptRegions kept, int i, Sample sample, (int Height, int Width) size)
    {
        var geometry = sample.Geometry;
        var image = geometry is null ? size : (geometry.OriginalHeight, geometry.OriginalWidth);
        var toTensor = geometry?.Transform ?? Matrix3x2.Identity;
        var found = kept.Corners.AsSpan(i * 4, 4);
        var isUpright = toTensor is { M12: 0, M21: 0 };
        var place =
            test.MaskPaste == MaskPaste.WholePixels && isUpright
                ? MaskPlace.WholePixels(cells, found, toTensor.M11 < 0, toTensor.M22 < 0, image)
                : MaskPlace.Sampled(cells, kept.InBatch.AsSpan(i * 4, 4), found, toTensor, image);
        return place.Paste(mask, cells, (float)test.MaskThr, image);
    }
}
