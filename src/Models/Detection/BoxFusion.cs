using Tessera.Framework.Data;

namespace Tessera.Models.Detection;

/// <summary>What the score of fused boxes is made of.</summary>
public enum FusedScore
{
    /// <summary>The mean score, less where fewer boxes than models were fused.</summary>
    Average,

    /// <summary>The largest score.</summary>
    Largest,

    /// <summary>The weighted mean score, times the share of the models (by weight) that have the box.</summary>
    BoxAndModelAverage,

    /// <summary>The weighted mean score, where each model without the box counts as one with score 0.</summary>
    AbsentModelAwareAverage,
}

/// <param name="Iou">Boxes that overlap more than this are of one object.</param>
/// <param name="LeastScore">Boxes that score less are left out from the start.</param>
/// <param name="Score">What a fused box scores.</param>
public sealed record BoxFusionOptions(double Iou = 0.55, double LeastScore = 0, FusedScore Score = FusedScore.Average);

/// <summary>A box with its score and class.</summary>
/// <param name="Corners">x1, y1, x2, y2, in any unit that all boxes share.</param>
public readonly record struct ScoredBox((double X1, double Y1, double X2, double Y2) Corners, double Score, int Label)
{
    /// <summary>The object's mask, in the size of the image; null where only the box is known.</summary>
    public RunLengthMask? Mask { get; init; }
}

/// <summary>Weighted boxes fusion: boxes of several models that lie on one object become one, their mean weighted by score.</summary>
/// <remarks>
/// Solovyev, Wang and Gabruseva, "Weighted boxes fusion: ensembling boxes from different object detection models", Image and Vision
/// Computing 107, 2021, arXiv:1910.13302. Class by class and from the best score on, a box joins the fused box that it overlaps most, as
/// that one lies by then. Boxes are corners, not x, y, width, height; a box without extent, or that scores nothing, is left out; no score
/// exceeds 1. Masks of boxes that become one vote on each pixel with the same weights; a box with and one without give one without.
/// </remarks>
public static class BoxFusion
{
    /// <param name="models">The boxes of one image that each model found.</param>
    /// <param name="weights">Of the models, more than 0 for at least one.</param>
    /// <returns>Best first.</returns>
    /// <exception cref="ArgumentException">There are not as many weights as models, or none is positive.</exception>
    public static IReadOnlyList<ScoredBox> Fuse(
        IReadOnlyList<IReadOnlyList<ScoredBox>> models,
        IReadOnlyList<double> weights,
        BoxFusionOptions? options = null
    )
    {
        options ??= new BoxFusionOptions();
        RequireWeights(models.Count, weights);
        var boxes = models
            .SelectMany(
                (found, model) =>
                    found.Where(box => IsUsable(box, options.LeastScore)).Select(box => new Weighed(box, model, weights[model]))
            )
            .Where(box => box.Score > 0)
            .OrderByDescending(box => box.Score); // stable: among equals the earlier model's first
        var fused = new List<ScoredBox>();
        foreach (var label in boxes.GroupBy(box => box.Box.Label))
        {
            var clusters = new List<Cluster>();
            foreach (var box in label)
            {
                var (best, overlap) = ((Cluster?)null, options.Iou);
                foreach (var cluster in clusters)
                    if (IoU(cluster.Corners, box.Box.Corners) is var iou && iou > overlap)
                        (best, overlap) = (cluster, iou);
                if (best is null)
                    clusters.Add(best = new Cluster());
                best.Add(box);
            }
            fused.AddRange(
                clusters.Select(cluster => new ScoredBox(cluster.Corners, Math.Min(1, cluster.Score(weights, options.Score)), label.Key)
                {
                    Mask = cluster.Mask,
                })
            );
        }
        return [.. fused.OrderByDescending(box => box.Score)];
    }

    internal static void RequireWeights(int models, IReadOnlyList<double> weights)
    {
        if (models != weights.Count || !weights.Any(weight => weight > 0) || weights.Any(weight => !(weight >= 0)))
            throw new ArgumentException($"{models} models need as many weights, not negative and not all 0.", nameof(weights));
    }

    internal static bool IsUsable(ScoredBox box, double leastScore) =>
        box.Score >= leastScore
        && box.Corners.X2 > box.Corners.X1
        && box.Corners.Y2 > box.Corners.Y1
        && double.IsFinite(box.Score + box.Corners.X1 + box.Corners.Y1 + box.Corners.X2 + box.Corners.Y2);

    internal static double IoU((double X1, double Y1, double X2, double Y2) a, (double X1, double Y1, double X2, double Y2) b) =>
        BoxGeometry.IoU([a.X1, a.Y1, a.X2 - a.X1, a.Y2 - a.Y1], [b.X1, b.Y1, b.X2 - b.X1, b.Y2 - b.Y1]);

    /// <returns>null where a box has none.</returns>
    internal static RunLengthMask? Vote(IEnumerable<RunLengthMask?> masks, IReadOnlyList<double> weights) =>
        masks.OfType<RunLengthMask>().ToArray() is var found && found.Length == weights.Count ? RunLengthMask.Vote(found, weights) : null;

    /// <param name="Weight">The model's.</param>
    private readonly record struct Weighed(ScoredBox Box, int Model, double Weight)
    {
        public double Score => Box.Score * Weight;
    }

    private sealed class Cluster
    {
        private readonly List<Weighed> _boxes = [];

        public (double X1, double Y1, double X2, double Y2) Corners { get; private set; }

        public RunLengthMask? Mask => Vote(_boxes.Select(member => member.Box.Mask), [.. _boxes.Select(member => member.Score)]);

        public void Add(Weighed box)
        {
            _boxes.Add(box);
            var sum = _boxes.Sum(member => member.Score);
            Corners = (
                _boxes.Sum(member => member.Score * member.Box.Corners.X1) / sum,
                _boxes.Sum(member => member.Score * member.Box.Corners.Y1) / sum,
                _boxes.Sum(member => member.Score * member.Box.Corners.X2) / sum,
                _boxes.Sum(member => member.Score * member.Box.Corners.Y2) / sum
            );
        }

        public double Score(IReadOnlyList<double> weights, FusedScore kind)
        {
            var (sum, own, all) = (_boxes.Sum(box => box.Score), _boxes.Sum(box => box.Weight), weights.Sum());
            var present = _boxes.Select(box => box.Model).ToHashSet();
            return kind switch
            {
                FusedScore.Largest => _boxes.Max(box => box.Score) / weights.Max(),
                FusedScore.BoxAndModelAverage => sum / own * present.Sum(model => weights[model]) / all,
                FusedScore.AbsentModelAwareAverage => sum / (own + weights.Where((_, model) => !present.Contains(model)).Sum()),
                _ => sum / _boxes.Count * Math.Min(weights.Count, _boxes.Count) / all,
            };
        }
    }
}
