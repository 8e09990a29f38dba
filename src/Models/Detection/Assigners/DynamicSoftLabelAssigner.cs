using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <param name="SoftCenterRadius">Distance from a box's centre, in strides, at which a place costs 1 more; each further stride ten times as
/// much.</param>
/// <param name="Topk">Of so many of its best guesses the overlaps are summed: as many places a box gets.</param>
/// <param name="IouWeight">Weight of -log IoU in a pair's cost.</param>
public sealed record DynamicSoftLabelAssignerOptions(
    [property: Range(0, 1000)] double SoftCenterRadius = 3,
    [property: Range(1, 1000)] int Topk = 13,
    [property: Range(0, 1000)] double IouWeight = 3
);

/// <summary>Every box gets the places whose guesses cost least: classes against the overlap as a soft label, the overlap itself, and how
/// far they lie from the centre.</summary>
/// <remarks>
/// Lyu et al., "RTMDet: An Empirical Study of Designing Real-Time Object Detectors", 2022, arXiv:2212.07784, section 3.3. Places in no box
/// are background.
/// </remarks>
[Component("DynamicSoftLabelAssigner")]
public sealed class DynamicSoftLabelAssigner(DynamicSoftLabelAssignerOptions options) : PredictionAssigner
{
    private const float LeastIou = 1e-7f;

    protected override void Assign(AnchorGrid places, TruthBoxes truth, PlaceGuesses guesses, PlaceMatches matches)
    {
        var (xs, ys) = places.Boxes.Centers();
        var candidates = Enumerable
            .Range(0, places.Count)
            .Where(i => matches.Boxes[i] != Assigner.Ignored && IsInAny(xs[i], ys[i], truth.Boxes));
        int[] valid = [.. candidates];
        if (valid.Length == 0)
            return;
        var found = guesses.Boxes.Of(valid);
        var absent = new float[valid.Length]; // cost of a guess's classes if all were to be 0
        for (var i = 0; i < valid.Length; i++)
            foreach (var logit in guesses.ClassesOf(valid[i]))
                absent[i] += ClassCost(logit, 0);
        var (costs, overlaps) = (new float[truth.Boxes.Count][], new float[truth.Boxes.Count][]);
        for (var box = 0; box < costs.Length; box++)
        {
            (costs[box], overlaps[box]) = (new float[valid.Length], new float[valid.Length]);
            found.Overlaps(truth.Boxes, box, overlaps[box]);
            var (x, y) = ((truth.Boxes.X1[box] + truth.Boxes.X2[box]) / 2, (truth.Boxes.Y1[box] + truth.Boxes.Y2[box]) / 2);
            for (var i = 0; i < valid.Length; i++)
            {
                var (place, overlap) = (valid[i], overlaps[box][i]);
                var logit = guesses.ClassesOf(place)[truth.Labels[box]];
                var (dx, dy) = (xs[place] - x, ys[place] - y);
                var distance = MathF.Sqrt((dx * dx) + (dy * dy)) / (places.Boxes.X2[place] - places.Boxes.X1[place]);
                costs[box][i] =
                    absent[i]
                    - ClassCost(logit, 0)
                    + ClassCost(logit, overlap)
                    - (MathF.Log(overlap + LeastIou) * (float)options.IouWeight)
                    + MathF.Pow(10, distance - (float)options.SoftCenterRadius);
            }
        }
        foreach (var (i, box) in DynamicMatching.Match(costs, overlaps, options.Topk).Index())
            if (box >= 0)
                (matches.Boxes[valid[i]], matches.Overlaps[valid[i]]) = (box, overlaps[box][i]);
    }

    /// <summary>Binary cross entropy times the squared distance of the probability from its target.</summary>
    private static float ClassCost(float logit, float target)
    {
        var small = MathF.Exp(-MathF.Abs(logit));
        var probability = (logit >= 0 ? 1 : small) / (1 + small);
        var entropy = MathF.Max(logit, 0) - (logit * target) + MathF.Log(1 + small);
        return entropy * (target - probability) * (target - probability);
    }

    private static bool IsInAny(float x, float y, BoxArray boxes)
    {
        for (var box = 0; box < boxes.Count; box++)
            if (x > boxes.X1[box] && x < boxes.X2[box] && y > boxes.Y1[box] && y < boxes.Y2[box])
                return true;
        return false;
    }
}
