using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>How a box came out.</summary>
internal enum TideVerdict
{
    Right,
    Wrong,

    /// <summary>It lies in a region that is not asked for.</summary>
    Ignored,
}

/// <summary>A box of an image.</summary>
internal sealed record TideBox(int Label, double Score, TideVerdict Verdict)
{
    /// <summary>null: it is right.</summary>
    public DetectionError? Error { get; set; }

    /// <summary>The object that it would have found.</summary>
    public TideObject? Meant { get; set; }
}

/// <summary>An object of an image.</summary>
internal sealed class TideObject(int label)
{
    public int Label => label;

    public bool Found { get; set; }

    /// <summary>Of the boxes that an error keeps from this object the best, the first of equal ones: that one finds it once the error is
    /// put right.</summary>
    public TideBox? Candidate { get; private set; }

    public bool IsMissed => !Found && Candidate is null;

    public void Offer(TideBox box)
    {
        if (!Found && (Candidate is null || Candidate.Score < box.Score))
            Candidate = box;
    }
}

/// <summary>One image: its boxes assigned to its objects, and every box that finds none judged.</summary>
internal sealed class TideScene
{
    private readonly TideOptions _options;
    private readonly double[,] _ious;

    public TideScene(double[] boxes, double[] scores, int[] labels, BoxAnnotation truth, TideOptions options)
    {
        _options = options;
        int[] order = [.. Enumerable.Range(0, labels.Length).OrderByDescending(d => scores[d]).Take(options.MostBoxes)];
        int[] asked = [.. Enumerable.Range(0, truth.Count).Where(g => !truth.Ignored[g] && !truth.Crowd[g])];
        Objects = [.. asked.Select(g => new TideObject(truth.Labels[g]))];
        _ious = new double[order.Length, asked.Length];
        for (var d = 0; d < order.Length; d++)
        for (var g = 0; g < asked.Length; g++)
            _ious[d, g] = BoxGeometry.IoU(boxes.AsSpan(4 * order[d], 4), truth.Boxes.AsSpan(4 * asked[g], 4));
        Boxes = new TideBox[order.Length];
        var finders = new int[order.Length];
        for (var d = 0; d < order.Length; d++)
        {
            var label = labels[order[d]];
            finders[d] = Best(d, g => !Objects[g].Found && Objects[g].Label == label, out var iou);
            if (finders[d] < 0 || iou < options.Iou)
                finders[d] = -1;
            else
                Objects[finders[d]].Found = true;
        }
        for (var d = 0; d < order.Length; d++)
        {
            var box = boxes.AsSpan(4 * order[d], 4);
            var verdict =
                finders[d] >= 0 ? TideVerdict.Right
                : IsExcused(box, labels[order[d]], truth) ? TideVerdict.Ignored
                : TideVerdict.Wrong;
            Boxes[d] = new TideBox(labels[order[d]], scores[order[d]], verdict);
        }
        for (var d = 0; d < order.Length; d++)
            if (Boxes[d].Verdict != TideVerdict.Right)
                Judge(d);
    }

    /// <summary>Best first; of equal scores in the order given.</summary>
    public TideBox[] Boxes { get; }

    /// <summary>Those that are asked for.</summary>
    public TideObject[] Objects { get; }

    private bool IsExcused(ReadOnlySpan<double> box, int label, BoxAnnotation truth)
    {
        for (var g = 0; g < truth.Count; g++)
            if (
                (truth.Ignored[g] || truth.Crowd[g])
                && truth.Labels[g] == label
                && BoxGeometry.IoU(box, truth.Boxes.AsSpan(4 * g, 4), ofFirst: true) > _options.Iou
            )
                return true;
        return false;
    }

    /// <summary>The kind of error, in TIDE's order: the first that holds.</summary>
    private void Judge(int d)
    {
        var box = Boxes[d];
        if (
            Best(d, g => Objects[g].Label == box.Label, out var own) is >= 0 and var near
            && own >= _options.Background
            && own <= _options.Iou
        )
            (box.Error, box.Meant) = (DetectionError.Localisation, Objects[near]);
        else if (Best(d, g => Objects[g].Label != box.Label, out var other) is >= 0 and var taken && other >= _options.Iou)
            (box.Error, box.Meant) = (DetectionError.Classification, Objects[taken]);
        else if (Best(d, g => Objects[g].Label == box.Label && Objects[g].Found, out var again) >= 0 && again >= _options.Iou)
            box.Error = DetectionError.Duplicate;
        else
            box.Error = Best(d, _ => true, out var any) < 0 || any <= _options.Background ? DetectionError.Background : DetectionError.Both;
        box.Meant?.Offer(box);
    }

    /// <summary>The object that box <paramref name="d"/> overlaps most, the first of equal ones; -1 where none is meant.</summary>
    private int Best(int d, Predicate<int> isMeant, out double iou)
    {
        var best = -1;
        iou = -1;
        for (var g = 0; g < Objects.Length; g++)
            if (isMeant(g) && _ious[d, g] > iou)
                (best, iou) = (g, _ious[d, g]);
        return best;
    }
}
