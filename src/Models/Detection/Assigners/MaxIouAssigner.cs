using System.Numerics;
using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <summary>Which box an anchor gets that is a box's best without reaching the threshold.</summary>
public enum LowQuality
{
    /// <summary>The box it is the best of.</summary>
    Box,

    /// <summary>The box that it overlaps most itself, as torchvision has it.</summary>
    Nearest,
}

/// <param name="PosIouThr">An anchor that overlaps a box at least this much is to find it.</param>
/// <param name="NegIouThr">An anchor that overlaps no box this much is background; between the two it is asked nothing.</param>
/// <param name="MinPosIou">The least overlap at which a box's best anchor is given to it all the same.</param>
/// <param name="MatchLowQuality">A box's best anchors are given to it although they overlap less than pos_iou_thr.</param>
/// <param name="GtMaxAssignAll">All anchors that share a box's best overlap are given to it; otherwise the first.</param>
/// <param name="LowQualityTo">Which box such an anchor gets: "box", the one it is the best of; "nearest", the one it overlaps most.</param>
public sealed record MaxIouAssignerOptions(
    [property: Range(0, 1)] double PosIouThr = 0.5,
    [property: Range(0, 1)] double NegIouThr = 0.4,
    [property: Range(0, 1)] double MinPosIou = 0,
    bool MatchLowQuality = true,
    bool GtMaxAssignAll = true,
    LowQuality LowQualityTo = LowQuality.Box
);

/// <summary>Anchors and boxes matched by overlap alone.</summary>
/// <remarks>Ren et al., "Faster R-CNN", 2015, arXiv:1506.01497, section 3.1.2.</remarks>
[Component("MaxIouAssigner")]
public sealed class MaxIouAssigner : Assigner
{
    private readonly MaxIouAssignerOptions _options;

    public MaxIouAssigner(MaxIouAssignerOptions options)
    {
        if (options.NegIouThr > options.PosIouThr)
            throw new UserErrorException(
                $"MaxIouAssigner: neg_iou_thr ({options.NegIouThr}) must not exceed pos_iou_thr ({options.PosIouThr})."
            );
        _options = options;
    }

    /// <summary>Above it an anchor is to find a box, below it none.</summary>
    public override (double Positive, double Negative) Thresholds => (_options.PosIouThr, _options.NegIouThr);

    protected override void Assign(AnchorGrid anchors, BoxArray boxes, int[] assigned)
    {
        var (row, best, nearest) = (new float[anchors.Count], new float[anchors.Count], new int[anchors.Count]);
        var lowQuality = new List<(int Anchor, int Box)>();
        var anyOut = Array.IndexOf(assigned, Ignored) >= 0;
        for (var box = 0; box < boxes.Count; box++)
        {
            anchors.Boxes.Overlaps(boxes, box, row);
            if (anyOut)
                LeaveOut(row, assigned);
            KeepBest(row, best, nearest, box);
            if (_options.MatchLowQuality)
                AddBest(row, box, lowQuality);
        }
        for (var i = 0; i < assigned.Length; i++)
            if (assigned[i] != Ignored)
                assigned[i] =
                    best[i] >= (float)_options.PosIouThr ? nearest[i]
                    : best[i] < (float)_options.NegIouThr ? Background
                    : Ignored;
        foreach (var (anchor, box) in lowQuality)
            assigned[anchor] = _options.LowQualityTo == LowQuality.Box ? box : nearest[anchor];
    }

    private static void LeaveOut(float[] row, int[] assigned)
    {
        for (var i = 0; i < row.Length; i++)
            if (assigned[i] == Ignored)
                row[i] = -1;
    }

    private static void KeepBest(float[] row, float[] best, int[] nearest, int box)
    {
        var i = 0;
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
        {
            var values = new Vector<float>(row, i);
            var better = Vector.GreaterThan(values, new Vector<float>(best, i));
            if (better == Vector<int>.Zero)
                continue;
            Vector.Max(values, new Vector<float>(best, i)).CopyTo(best, i);
            Vector.ConditionalSelect(better, new Vector<int>(box), new Vector<int>(nearest, i)).CopyTo(nearest, i);
        }
        for (; i < row.Length; i++)
            if (row[i] > best[i])
                (best[i], nearest[i]) = (row[i], box);
    }

    private void AddBest(float[] row, int box, List<(int Anchor, int Box)> pairs)
    {
        var highest = Highest(row);
        if (highest <= 0 || highest < _options.MinPosIou)
            return; // a box that no anchor touches has no best
        for (var i = Array.IndexOf(row, highest); i >= 0; i = Array.IndexOf(row, highest, i + 1))
        {
            pairs.Add((i, box));
            if (!_options.GtMaxAssignAll)
                break;
        }
    }

    private static float Highest(float[] row)
    {
        var (i, highest) = (0, new Vector<float>(0f));
        for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            highest = Vector.Max(highest, new Vector<float>(row, i));
        var result = 0f;
        for (var lane = 0; lane < Vector<float>.Count; lane++)
            result = MathF.Max(result, highest[lane]);
        for (; i < row.Length; i++)
            result = MathF.Max(result, row[i]);
        return result;
    }
}
