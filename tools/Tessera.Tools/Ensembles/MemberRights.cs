using Tessera.Ensembles;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Tools.Ensembles;

/// <summary>On which cases each member is right, and which pairs of members are right together.</summary>
/// <remarks>A case is a sample (one label each), a class of a sample (several labels), a pixel that isn't ignored, or an object.</remarks>
internal sealed class MemberRights
{
    private const float PresentFrom = 0.5f;
    private const double FoundIou = 0.5;
    private const double FoundScore = 0.3;

    private readonly DataInfo _data;
    private readonly PairCounts[,] _pairs;
    private readonly long[] _right;
    private long _majority;

    public MemberRights(DataInfo data, int members) =>
        (_data, _pairs, _right) = (data, new PairCounts[members, members], new long[members]);

    /// <summary>What a case is called.</summary>
    public string CaseName =>
        _data.Task switch
        {
            DataTask.MultiLabel => "label",
            DataTask.Segmentation => "pixel",
            DataTask.Detection => "object",
            _ => "sample",
        };

    /// <summary>How many cases there are.</summary>
    public long Count { get; private set; }

    /// <summary>The share of the cases that each member gets right.</summary>
    public double[] Accuracies => Array.ConvertAll(_right, right => (double)right / Count);

    /// <summary>The share of the cases that more than half of the members get right; of an even number, ties count half.</summary>
    public double Majority => _majority / 2.0 / Count;

    /// <summary>Of two members.</summary>
    public PairCounts Pair(int first, int second) => _pairs[first, second];

    /// <summary>All pairs, in order.</summary>
    public IEnumerable<(int First, int Second, PairCounts Counts)> Pairs =>
        from first in Enumerable.Range(0, _right.Length)
        from second in Enumerable.Range(first + 1, _right.Length - first - 1)
        select (first, second, _pairs[first, second]);

    public void Add(Sample sample, IReadOnlyList<MemberOutput> members)
    {
        var rights = members.Select(member => Of(sample, member)).ToArray();
        var cases = rights[0].Length;
        Count += cases;
        for (var first = 0; first < rights.Length; first++)
        {
            _right[first] += rights[first].LongCount(right => right);
            for (var second = first + 1; second < rights.Length; second++)
                _pairs[first, second] += PairCounts.Of(rights[first], rights[second]);
        }
        for (var i = 0; i < cases; i++)
        {
            var agree = 2 * rights.Count(right => right[i]);
            _majority +=
                agree > rights.Length ? 2
                : agree == rights.Length ? 1
                : 0;
        }
    }

    private bool[] Of(Sample sample, MemberOutput member) =>
        member.Prediction switch
        {
            ClassPrediction { Scores: var scores } when sample.Truth.MultiLabel is { } labels =>
            [
                .. scores.Select((score, c) => (score >= PresentFrom) == (labels[c] >= PresentFrom)),
            ],
            ClassPrediction { Label: var label } => [label == sample.Truth.Label],
            SegmentationPrediction { Map: var map } => Pixels(map, sample.Truth.SegmentationMap!),
            DetectionPrediction found => Objects(found, sample.Truth.BoxAnnotation),
            _ => [],
        };

    private bool[] Pixels(Image predicted, Image truth)
    {
        var classes = _data.Classes.Count;
        var rights = new List<bool>(truth.Height * truth.Width);
        for (var i = 0; i < truth.Height * truth.Width; i++)
            if (PixelTruth.At(truth, i) is var label && label < classes)
                rights.Add(PixelTruth.At(predicted, i) == label);
        return [.. rights];
    }

    /// <summary>Whether each object has a box of its class on it, one to one, the better score first.</summary>
    private static bool[] Objects(DetectionPrediction found, BoxAnnotation? truth)
    {
        if (truth is null)
            return [];
        var asked = Enumerable.Range(0, truth.Count).Where(g => !truth.Ignored[g] && !truth.Crowd[g]).ToArray();
        var boxes = BoxGeometry.FromCorners(found.Corners);
        var taken = new bool[truth.Count];
        foreach (
            var d in Enumerable
                .Range(0, found.Labels.Length)
                .Where(d => found.Scores[d] >= FoundScore)
                .OrderByDescending(d => found.Scores[d])
        )
        {
            var (best, overlap) = (-1, FoundIou);
            foreach (var g in asked)
                if (
                    !taken[g]
                    && truth.Labels[g] == found.Labels[d]
                    && BoxGeometry.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4)) is var iou
                    && iou >= overlap
                )
                    (best, overlap) = (g, iou);
            if (best >= 0)
                taken[best] = true;
        }
        return Array.ConvertAll(asked, g => taken[g]);
    }
}

/// <summary>The class that stands at a pixel of a map.</summary>
internal static class PixelTruth
{
    /// <summary>A value that is no class, 255 for one, where the pixel is ignored.</summary>
    public static int At(Image map, int pixel) => map.Type == PixelType.UInt16 ? map.Pixels<ushort>()[pixel] : map.Bytes[pixel];
}
