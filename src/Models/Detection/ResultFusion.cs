using Tessera.Models.Detection.Suppression;

namespace Tessera.Models.Detection;

/// <summary>How the boxes of several models become one set.</summary>
public enum FusionMethod
{
    /// <summary>Weighted boxes fusion: boxes on one object become their mean (<see cref="BoxFusion"/>).</summary>
    Wbf,

    /// <summary>The best box of each object stays.</summary>
    Nms,

    /// <summary>Boxes that overlap a better one score less.</summary>
    SoftNms,

    /// <summary>Non-maximum weighted: the best box's score, and the mean of all boxes on it, by score and overlap with it.</summary>
    Nmw,
}

/// <param name="Method">How.</param>
/// <param name="Iou">Boxes that overlap more than this are of one object; soft_nms lowers scores at any overlap.</param>
/// <param name="LeastScore">Boxes that score less are left out, at first and, with soft_nms, at last.</param>
/// <param name="Score">With wbf: what a fused box scores.</param>
/// <param name="Sigma">With soft_nms: how widely scores are lowered, by exp(-IoU² / sigma).</param>
public sealed record ResultFusionOptions(
    FusionMethod Method = FusionMethod.Wbf,
    double Iou = 0.55,
    double LeastScore = 0.001,
    FusedScore Score = FusedScore.Average,
    double Sigma = 0.5
);

/// <summary>Makes one set of boxes of those that several models found in an image.</summary>
/// <remarks>
/// Wbf: Solovyev and others, 2021, arXiv:1910.13302. Soft-NMS: Bodla and others, 2017, arXiv:1704.04503. Nmw: Zhou and others, "CAD: Scale
/// Invariant Framework for Real-Time Object Detection", ICCV workshops 2017. Without wbf, which weighs for itself, a model's scores are
/// multiplied by its weight over the greatest weight, so that none exceeds 1. A box that stays keeps its mask; with nmw masks vote with the
/// weights of the mean.
/// </remarks>
public static class ResultFusion
{
    /// <param name="models">The boxes of one image that each model found: corners, in any unit that all share.</param>
    /// <param name="weights">Of the models, more than 0 for at least one.</param>
    /// <returns>Best first; no score exceeds 1.</returns>
    /// <exception cref="ArgumentException">There are not as many weights as models, or none is positive.</exception>
    public static IReadOnlyList<ScoredBox> Fuse(
        IReadOnlyList<IReadOnlyList<ScoredBox>> models,
        IReadOnlyList<double> weights,
        ResultFusionOptions? options = null
    )
    {
        options ??= new ResultFusionOptions();
        if (options.Method == FusionMethod.Wbf)
            return BoxFusion.Fuse(models, weights, new BoxFusionOptions(options.Iou, options.LeastScore, options.Score));
        BoxFusion.RequireWeights(models.Count, weights);
        var most = weights.Max();
        ScoredBox[] boxes =
        [
            .. models
                .SelectMany(
                    (found, model) =>
                        found
                            .Where(box => BoxFusion.IsUsable(box, options.LeastScore))
                            .Select(box => box with { Score = Math.Min(1, box.Score * weights[model] / most) })
                )
                .Where(box => box.Score > 0)
                .OrderByDescending(box => box.Score), // stable
        ];
        return options.Method switch
        {
            FusionMethod.Nms => Suppressed(boxes, new Nms(new NmsOptions(options.Iou))),
            FusionMethod.SoftNms => Suppressed(
                boxes,
                new SoftNms(new SoftNmsOptions(options.Iou, SoftNmsMethod.Gaussian, options.Sigma, options.LeastScore))
            ),
            _ => Weighted(boxes, options.Iou),
        };
    }

    private static ScoredBox[] Suppressed(ScoredBox[] boxes, SuppressionMethod method)
    {
        var candidates = new Candidates(
            [
                .. boxes.SelectMany(box =>
                    new[] { (float)box.Corners.X1, (float)box.Corners.Y1, (float)box.Corners.X2, (float)box.Corners.Y2 }
                ),
            ],
            [.. boxes.Select(box => (float)box.Score)],
            [.. boxes.Select(box => box.Label)]
        );
        var (kept, scores) = method.Apply(candidates);
        return [.. kept.Select((at, i) => boxes[at] with { Score = scores[i] == candidates.Scores[at] ? boxes[at].Score : scores[i] })];
    }

    /// <param name="boxes">Best first.</param>
    private static ScoredBox[] Weighted(ScoredBox[] boxes, double least)
    {
        var clusters = new List<List<ScoredBox>>();
        foreach (var box in boxes)
        {
            var (best, overlap) = ((List<ScoredBox>?)null, least);
            foreach (var cluster in clusters)
                if (cluster[0].Label == box.Label && BoxFusion.IoU(cluster[0].Corners, box.Corners) is var iou && iou > overlap)
                    (best, overlap) = (cluster, iou);
            if (best is null)
                clusters.Add([box]);
            else
                best.Add(box);
        }
        return [.. clusters.Select(Mean)];
    }

    private static ScoredBox Mean(List<ScoredBox> cluster)
    {
        double[] weights = [.. cluster.Select(box => box.Score * BoxFusion.IoU(box.Corners, cluster[0].Corners))];
        var sum = weights.Sum();
        return cluster[0] with
        {
            Corners = (Of(box => box.X1), Of(box => box.Y1), Of(box => box.X2), Of(box => box.Y2)),
            Mask = BoxFusion.Vote(cluster.Select(box => box.Mask), weights),
        };

        double Of(Func<(double X1, double Y1, double X2, double Y2), double> corner) =>
            cluster.Select((box, i) => weights[i] * corner(box.Corners)).Sum() / sum;
    }
}
