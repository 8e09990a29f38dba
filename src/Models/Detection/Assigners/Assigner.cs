using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <summary>When anchors in ignored boxes are taken out.</summary>
public enum IgnoreWhen
{
    /// <summary>Before boxes are matched, as in MMDetection: a box's best anchor is then one that may find it.</summary>
    BeforeMatching,

    /// <summary>After: a box whose best anchor lies in an ignored box may get none.</summary>
    AfterMatching,
}

/// <summary>Decides which anchor is to find which box. On plain arrays, one row of overlaps at a time: no matrix, no device.</summary>
[ComponentKind("assigner")]
public abstract class Assigner
{
    /// <summary>The anchor is to find nothing.</summary>
    public const int Background = -1;

    /// <summary>The anchor is asked nothing.</summary>
    public const int Ignored = -2;

    /// <summary>An anchor that lies in an ignored box by more than this part of its own area is asked nothing. Negative: ignored boxes
    /// don't count.</summary>
    [FromConfig, Range(-1, 1)]
    public double IgnoreIofThr { get; set; } = 0.5;

    /// <summary>When such anchors are taken out: before boxes are matched, so that none is a box's best, or after.</summary>
    [FromConfig, EarlierDefault(IgnoreWhen.AfterMatching, Now = IgnoreWhen.BeforeMatching)]
    public IgnoreWhen IgnoreWhen { get; set; }

    /// <summary>The overlaps by which anchors are judged where the assigner has fixed ones; otherwise the usual 0.5 and 0.4.</summary>
    public virtual (double Positive, double Negative) Thresholds => (0.5, 0.4);

    /// <summary>Safe to call from several threads at once.</summary>
    /// <returns>For each anchor the index of its box, or <see cref="Background"/>, or <see cref="Ignored"/>.</returns>
    public int[] Assign(AnchorGrid anchors, TruthBoxes truth)
    {
        var assigned = new int[anchors.Count];
        Array.Fill(assigned, Background);
        var ignores = IgnoreIofThr >= 0 && truth.Ignored.Count > 0;
        if (ignores && IgnoreWhen == IgnoreWhen.BeforeMatching)
            IgnoredAreas.Mark(anchors.Boxes, truth.Ignored, IgnoreIofThr, assigned);
        if (truth.Boxes.Count > 0)
            Assign(anchors, truth.Boxes, assigned);
        if (ignores)
            IgnoredAreas.Mark(anchors.Boxes, truth.Ignored, IgnoreIofThr, assigned); // also those that an assigner didn't leave alone
        return assigned;
    }

    /// <param name="boxes">At least one.</param>
    /// <param name="assigned">
    /// <see cref="Background"/>, or <see cref="Ignored"/> where the anchor takes no part: it is no box's, however much it overlaps.
    /// </param>
    protected abstract void Assign(AnchorGrid anchors, BoxArray boxes, int[] assigned);
}
