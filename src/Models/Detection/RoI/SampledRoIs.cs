using Tessera.Framework.Data;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;

namespace Tessera.Models.Detection.RoI;

/// <summary>The regions of a batch that the second stage is trained by, and what each is to find.</summary>
internal sealed class SampledRoIs
{
    private SampledRoIs(RoIs regions, long[] labels, int[] positives, int[] boxes, bool[] areTruth)
    {
        (Regions, Labels, Positives, Boxes, AreTruth) = (regions, labels, positives, boxes, areTruth);
    }

    public RoIs Regions { get; }

    /// <summary>[regions], the class to find; the number of classes for the background.</summary>
    public long[] Labels { get; }

    /// <summary>Indices of the regions that are to find a box.</summary>
    public int[] Positives { get; }

    /// <summary>[positives], the index of the box among those of its image.</summary>
    public int[] Boxes { get; }

    /// <summary>[regions], whether the region is a true box itself, added to the proposals.</summary>
    public bool[] AreTruth { get; }

    /// <summary>Matches proposals and boxes, and picks.</summary>
    /// <param name="classes">How many there are.</param>
    public static SampledRoIs Of(
        IReadOnlyList<BoxArray> proposals,
        IReadOnlyList<TruthBoxes> truths,
        int classes,
        Assigner assigner,
        BoxSampler sampler,
        bool addTruth,
        RandomSource random
    )
    {
        var (rows, labels, areTruth) = (new List<(BoxArray Boxes, int Box, int Image)>(), new List<long>(), new List<bool>());
        var (positives, boxes) = (new List<int>(), new List<int>());
        for (var image = 0; image < proposals.Count; image++)
        {
            var truth = truths[image];
            var all = addTruth ? Joined(proposals[image], truth.Boxes) : proposals[image];
            var assigned = assigner.Assign(new AnchorGrid(all, [new AnchorLevel(0, 1, all.Count, 1)]), truth);
            var (found, background) = sampler.Sample(assigned, random);
            foreach (var i in found)
            {
                positives.Add(rows.Count);
                boxes.Add(assigned[i]);
                Add(all, i, image, truth.Labels[assigned[i]]);
            }
            foreach (var i in background)
                Add(all, i, image, classes);

            void Add(BoxArray from, int i, int of, long label)
            {
                rows.Add((from, i, of));
                labels.Add(label);
                areTruth.Add(i >= proposals[of].Count);
            }
        }
        var regions = new RoIs(BoxArray.WithRoom(rows.Count), [.. rows.Select(row => row.Image)]);
        for (var i = 0; i < rows.Count; i++)
        {
            var (from, box, _) = rows[i];
            (regions.Boxes.X1[i], regions.Boxes.Y1[i]) = (from.X1[box], from.Y1[box]);
            (regions.Boxes.X2[i], regions.Boxes.Y2[i]) = (from.X2[box], from.Y2[box]);
        }
        return new SampledRoIs(regions, [.. labels], [.. positives], [.. boxes], [.. areTruth]);
    }

    /// <summary>[P * 4], the boxes that the positives are to find.</summary>
    public float[] TrueCorners(IReadOnlyList<TruthBoxes> truths)
    {
        var corners = new float[4 * Positives.Length];
        for (var i = 0; i < Positives.Length; i++)
            truths[Regions.Images[Positives[i]]].Boxes.CopyTo(Boxes[i], corners.AsSpan(4 * i, 4));
        return corners;
    }

    private static BoxArray Joined(BoxArray first, BoxArray second) =>
        new([.. first.X1, .. second.X1], [.. first.Y1, .. second.Y1], [.. first.X2, .. second.X2], [.. first.Y2, .. second.Y2]);
}
