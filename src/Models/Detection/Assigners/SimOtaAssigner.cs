using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <summary>Which places may find a box.</summary>
public enum SimOtaPlaces
{
    /// <summary>Those in any box or near any box's centre; for a box, those in it and near its centre come first.</summary>
    BoxOrCenter,

    /// <summary>Those near any box's centre; for a box, those near its own come first. Megvii's later code.</summary>
    Center,
}

/// <param name="CenterRadius">How far from a box's centre a place may lie, in strides.</param>
/// <param name="CandidateTopk">Of so many of its best guesses the overlaps are summed: as many places a box gets.</param>
/// <param name="IouWeight">Weight of -log IoU in a pair's cost.</param>
/// <param name="ClsWeight">Weight of the classes' cross entropy in it.</param>
/// <param name="Places">Which places may find a box: "box_or_center", as in the paper and MMDetection (with radius 2.5); "center", as in
/// Megvii's later code (with radius 1.5).</param>
public sealed record SimOtaAssignerOptions(
    [property: Range(0.01, 1000)] double CenterRadius = 2.5,
    [property: Range(1, 1000)] int CandidateTopk = 10,
    [property: Range(0, 1000)] double IouWeight = 3,
    [property: Range(0, 1000)] double ClsWeight = 1,
    SimOtaPlaces Places = SimOtaPlaces.BoxOrCenter
);

/// <summary>Every box gets the places whose guesses cost least, class and overlap together, and the more of them the better they
/// are.</summary>
/// <remarks>
/// Ge et al., "YOLOX: Exceeding YOLO Series in 2021", 2021, arXiv:2107.08430, section 2.1, after "OTA", arXiv:2103.14259. A class's
/// probability is the root of its own times the objectness.
/// </remarks>
[Component("SimOtaAssigner")]
public sealed class SimOtaAssigner(SimOtaAssignerOptions options) : PredictionAssigner
{
    private const float Far = 1e5f; // cost of a place off the box: more than any guess costs
    private const float LeastIou = 1e-8f;
    private const float LeastLog = -100; // PyTorch's bound on the logarithms of a cross entropy

    private readonly float _radius = (float)options.CenterRadius;

    protected override void Assign(AnchorGrid places, TruthBoxes truth, PlaceGuesses guesses, PlaceMatches matches)
    {
        var candidates = Candidates(places.Boxes, truth.Boxes, matches.Boxes);
        if (candidates.Length == 0)
            return;
        var found = guesses.Boxes.Of(candidates);
        var absent = new float[candidates.Length]; // cross entropy of a guess if it were background
        for (var i = 0; i < candidates.Length; i++)
        for (var label = 0; label < guesses.Classes; label++)
            absent[i] -= LogOf(1 - Score(guesses, candidates[i], label));
        var (costs, overlaps) = (new float[truth.Boxes.Count][], new float[truth.Boxes.Count][]);
        for (var box = 0; box < costs.Length; box++)
        {
            (costs[box], overlaps[box]) = (new float[candidates.Length], new float[candidates.Length]);
            found.Overlaps(truth.Boxes, box, overlaps[box]);
            for (var i = 0; i < candidates.Length; i++)
            {
                var score = Score(guesses, candidates[i], truth.Labels[box]);
                var entropy = absent[i] + LogOf(1 - score) - LogOf(score);
                costs[box][i] =
                    entropy * (float)options.ClsWeight
                    - MathF.Log(overlaps[box][i] + LeastIou) * (float)options.IouWeight
                    + (Fits(places.Boxes, candidates[i], truth.Boxes, box) ? 0 : Far);
            }
        }
        foreach (var (i, box) in DynamicMatching.Match(costs, overlaps, options.CandidateTopk).Index())
            if (box >= 0)
                (matches.Boxes[candidates[i]], matches.Overlaps[candidates[i]]) = (box, overlaps[box][i]);
    }

    /// <summary>The places that may find any box, rising.</summary>
    private int[] Candidates(BoxArray places, BoxArray boxes, int[] assigned)
    {
        var may = new bool[places.Count];
        for (var box = 0; box < boxes.Count; box++)
        for (var place = 0; place < may.Length; place++)
            may[place] |=
                IsCentral(places, place, boxes, box) || (options.Places == SimOtaPlaces.BoxOrCenter && IsIn(places, place, boxes, box));
        return [.. Enumerable.Range(0, may.Length).Where(place => may[place] && assigned[place] != Assigner.Ignored)];
    }

    private bool Fits(BoxArray places, int place, BoxArray boxes, int box) =>
        IsCentral(places, place, boxes, box) && (options.Places == SimOtaPlaces.Center || IsIn(places, place, boxes, box));

    private bool IsCentral(BoxArray places, int place, BoxArray boxes, int box)
    {
        var (x, y) = Point(places, place);
        var reach = _radius * (places.X2[place] - places.X1[place]);
        return MathF.Abs(x - (boxes.X1[box] + boxes.X2[box]) / 2) < reach && MathF.Abs(y - (boxes.Y1[box] + boxes.Y2[box]) / 2) < reach;
    }

    private static bool IsIn(BoxArray places, int place, BoxArray boxes, int box)
    {
        var (x, y) = Point(places, place);
        return x > boxes.X1[box] && x < boxes.X2[box] && y > boxes.Y1[box] && y < boxes.Y2[box];
    }

    private static (float X, float Y) Point(BoxArray places, int place) =>
        ((places.X1[place] + places.X2[place]) / 2, (places.Y1[place] + places.Y2[place]) / 2);

    /// <summary>The probability of a class, with the objectness where there is one.</summary>
    private static float Score(PlaceGuesses guesses, int place, int label)
    {
        var score = Sigmoid(guesses.ClassesOf(place)[label]);
        return MathF.Sqrt(guesses.ObjectLogits is { } objects ? score * Sigmoid(objects[place]) : score);
    }

    private static float Sigmoid(float logit) => 1 / (1 + MathF.Exp(-logit));

    private static float LogOf(float probability) => MathF.Max(MathF.Log(probability), LeastLog);
}
