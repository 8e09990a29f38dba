using Tessera.Framework.Data;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Proposals;
using Tessera.Models.Detection.RoI;
using Tessera.Models.Detection.Suppression;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Which proposals a detector of two stages made its objects of, so that each object can be explained.</summary>
internal sealed class FoundRegions(ProposalHead first, RoIHead second, SuppressionMethod nms, TwoStageTestOptions test)
{
    /// <summary>What is found in each image, best first, as predictions of one look have it.</summary>
    /// <param name="maps">The pyramid of the batch's images.</param>
    public IReadOnlyList<IReadOnlyList<DetectedObject>> Locate(Batch batch, Tensor[] maps)
    {
        var size = ((int)batch.Images.shape[2], (int)batch.Images.shape[3]);
        var areas = batch.Samples.Select(sample => ImageArea.Of(sample, size)).ToArray();
        var proposals = first.Proposals(first.call(maps), size, areas, training: false);
        var regions = RoIs.Of(proposals);
        var levels = second.LevelsOf(regions.Boxes);
        return
        [
            .. second
                .Detect(new RoIInput(maps, proposals, areas), (float)test.ScoreThr)
                .Select(
                    IReadOnlyList<DetectedObject> (detected, i) =>
                        Kept(ImageFrame.ToOriginal(detected.Found, batch.Samples[i], size, test.MinBboxSize))
                ),
        ];

        DetectedObject[] Kept(Candidates candidates)
        {
            if (candidates.Anchors.Length != candidates.Count)
                throw new UserErrorException(
                    $"{second.GetName()} does not say which proposals its boxes come from (Candidates.Anchors): "
                        + "its objects can't be explained."
                );
            var (kept, scores) = nms.Apply(candidates, test.MaxPerImg);
            return [.. kept.Zip(scores, (i, score) => Object(candidates, i, score))];
        }

        DetectedObject Object(Candidates candidates, int i, float score)
        {
            var (corners, region) = (new float[4], candidates.Anchors[i]);
            regions.Boxes.CopyTo(region, corners);
            var map = maps[levels[region]].shape;
            var (rows, columns) = ((int)map[2], (int)map[3]);
            var (x, y) = ((corners[0] + corners[2]) / (2 * size.Item2), (corners[1] + corners[3]) / (2 * size.Item1));
            var (row, column) = (Math.Clamp((int)(y * rows), 0, rows - 1), Math.Clamp((int)(x * columns), 0, columns - 1));
            return new DetectedObject(
                candidates.Corners[(4 * i)..((4 * i) + 4)],
                score,
                candidates.Labels[i],
                new HeadPlace(levels[region], row, column, 0, rows, columns)
            )
            {
                Region = new ObjectRegion(corners, size.Item2, size.Item1),
            };
        }
    }

    /// <summary>The logit of each object's class, of the look at the proposal that it was made of.</summary>
    /// <param name="maps">[R, C, H, W] each.</param>
    /// <param name="objects">[R].</param>
    /// <returns>[R].</returns>
    public Tensor LogitsOf(Tensor[] maps, IReadOnlyList<DetectedObject> objects)
    {
        using var scope = NewDisposeScope();
        var regions = objects
            .Select(found => found.Region ?? throw new ArgumentException("An object has no region.", nameof(objects)))
            .ToArray();
        var input = new RoIInput(
            maps,
            [.. regions.Select(region => BoxArray.Of(region.Corners))],
            [.. regions.Select(region => new ImageArea(0, 0, region.Width, region.Height))]
        );
        var labels = tensor(objects.Select(found => (long)found.Label).ToArray(), device: maps[0].device);
        return scope.MoveToOuter(second.ClassLogits(input).gather(1, labels.unsqueeze(1)).squeeze(1));
    }
}
