using Tessera.Models.Detection.Heads;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>Gives every box of an image a query of its own, at the least cost in all.</summary>
/// <remarks>Carion et al., "End-to-End Object Detection with Transformers", 2020, arXiv:2005.12872, section 3.1.</remarks>
internal sealed class SetMatcher(SetCosts costs)
{
    /// <param name="classCosts">[L, B, Q, C], what it costs a query to be of a class, without weight.</param>
    /// <param name="boxes">[L, B, Q, 4], centre and sides, relative.</param>
    /// <returns>For each of the L layers: for each image, pairs by rising query. Where an output is not finite, queries are taken in their
    /// order: the losses then show it.</returns>
    public IReadOnlyList<IReadOnlyList<(int Query, int Box)[]>> Match(Tensor classCosts, Tensor boxes, QueryTruths truths)
    {
        var (layers, images, queries, classes) = (
            (int)classCosts.shape[0],
            (int)classCosts.shape[1],
            (int)classCosts.shape[2],
            (int)classCosts.shape[3]
        );
        var (ofClass, ofBox) = (Plain(classCosts), Plain(boxes));
        var found = InParallel.Select(
            [.. Enumerable.Range(0, layers * images)],
            at =>
                Match(
                    ofClass.AsSpan(at * queries * classes, queries * classes),
                    ofBox.AsSpan(at * queries * 4, queries * 4),
                    truths.Labels[at % images],
                    truths.Boxes[at % images]
                )
        );
        return [.. Enumerable.Range(0, layers).Select(layer => found.Skip(layer * images).Take(images).ToArray())];
    }

    /// <summary>The generalised IoU of two boxes, by centre and sides.</summary>
    internal static double GeneralizedIou(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (width, hullWidth) = Extent(a[0], a[2], b[0], b[2]);
        var (height, hullHeight) = Extent(a[1], a[3], b[1], b[3]);
        var shared = Math.Max(0, width) * Math.Max(0, height);
        var union = ((double)a[2] * a[3]) + ((double)b[2] * b[3]) - shared;
        var hull = hullWidth * hullHeight;
        return (shared / union) - ((hull - union) / hull);
    }

    /// <summary>What two intervals share (below 0: how far they are apart), and the one around both.</summary>
    private static (double Shared, double Hull) Extent(double centreA, double sideA, double centreB, double sideB)
    {
        var (low, high) = (centreA - (sideA / 2), centreA + (sideA / 2));
        var (otherLow, otherHigh) = (centreB - (sideB / 2), centreB + (sideB / 2));
        return (Math.Min(high, otherHigh) - Math.Max(low, otherLow), Math.Max(high, otherHigh) - Math.Min(low, otherLow));
    }

    private (int Query, int Box)[] Match(ReadOnlySpan<float> classCosts, ReadOnlySpan<float> boxes, int[] labels, float[] wanted)
    {
        if (labels.Length == 0)
            return [];
        var queries = boxes.Length / 4;
        var classes = classCosts.Length / queries;
        var table = new double[labels.Length * queries];
        for (var box = 0; box < labels.Length; box++)
        for (var query = 0; query < queries; query++)
        {
            var found = boxes.Slice(query * 4, 4);
            var truth = wanted.AsSpan(box * 4, 4);
            var distance = 0.0;
            for (var i = 0; i < 4; i++)
                distance += Math.Abs((double)found[i] - truth[i]);
            var cost =
                (costs.Class * classCosts[(query * classes) + labels[box]])
                + (costs.L1 * distance)
                - (costs.Giou * GeneralizedIou(found, truth));
            if (!double.IsFinite(cost))
                return [.. Enumerable.Range(0, labels.Length).Select(i => (i, i))];
            table[(box * queries) + query] = cost;
        }
        return [.. LinearAssignment.Solve(table, labels.Length, queries).Select((query, box) => (query, box)).OrderBy(pair => pair.query)];
    }

    private static float[] Plain(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().to(ScalarType.Float32).cpu().contiguous().Values<float>();
    }
}
