using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;

namespace Tessera.Tools.Fusion;

/// <summary>What several detectors found, image by image, fused.</summary>
internal sealed class FusedResults(IReadOnlyList<double> weights, ResultFusionOptions options)
{
    private readonly Dictionary<long, DetectionPrediction?[]> _images = [];

    /// <param name="member">Which of the detectors.</param>
    public void Add(int member, Sample sample, Prediction prediction)
    {
        if (!_images.TryGetValue(sample.Index, out var found))
            _images[sample.Index] = found = new DetectionPrediction?[weights.Count];
        found[member] = (DetectionPrediction)prediction;
    }

    /// <returns>null where no detector has the image.</returns>
    /// <exception cref="UserErrorException">Some have it, others not.</exception>
    public DetectionPrediction? Of(Sample sample)
    {
        if (!_images.TryGetValue(sample.Index, out var found))
            return null;
        if (Array.IndexOf(found, null) is >= 0 and var missing)
            throw new UserErrorException(
                $"{sample.Name}: the {Ordinal(missing + 1)} of the results have no prediction for it, others have."
            );
        ScoredBox[][] boxes = [.. found.Select(prediction => Boxes(prediction!))];
        var fused = ResultFusion.Fuse(boxes, weights, options);
        return new DetectionPrediction(
            [
                .. fused.SelectMany(box =>
                    new[] { (float)box.Corners.X1, (float)box.Corners.Y1, (float)box.Corners.X2, (float)box.Corners.Y2 }
                ),
            ],
            [.. fused.Select(box => (float)box.Score)],
            [.. fused.Select(box => box.Label)]
        )
        {
            OutputIsFinite = Array.TrueForAll(found, prediction => prediction!.OutputIsFinite),
        };
    }

    /// <summary>Corners: files hold x, y, width, height.</summary>
    private static ScoredBox[] Boxes(DetectionPrediction found)
    {
        var (stated, scores) =
            found.Stated ?? (BoxGeometry.FromCorners(found.Corners), Array.ConvertAll(found.Scores, score => (double)score));
        return
        [
            .. found.Labels.Select(
                (label, i) =>
                    new ScoredBox(
                        (
                            stated[4 * i],
                            stated[(4 * i) + 1],
                            stated[4 * i] + stated[(4 * i) + 2],
                            stated[(4 * i) + 1] + stated[(4 * i) + 3]
                        ),
                        scores[i],
                        label
                    )
            ),
        ];
    }

    private static string Ordinal(int number) =>
        number switch
        {
            1 => "first",
            2 => "second",
            3 => "third",
            _ => $"{number}th",
        };
}
