using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;

namespace Tessera.Tools.Fusion;

/// <summary>Predictions of detectors as boxes to fuse, and back.</summary>
internal static class FusedBoxes
{
    /// <summary>Whether masks can be fused: everything that was found has one.</summary>
    public static bool HaveMasks(IEnumerable<DetectionPrediction> members) =>
        members.All(member => member.Masks is not null || member.Labels.Length == 0);

    /// <summary>The boxes as corners; files, whose numbers count where there are some, hold x, y, width, height.</summary>
    public static ScoredBox[] Of(DetectionPrediction found, bool masks)
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
                    {
                        Mask = masks ? found.Masks![i] : null,
                    }
            ),
        ];
    }

    /// <param name="fused">Best first.</param>
    /// <param name="members">Whose boxes they are.</param>
    public static DetectionPrediction Prediction(IReadOnlyList<ScoredBox> fused, IReadOnlyList<DetectionPrediction> members, bool masks) =>
        new(
            [
                .. fused.SelectMany(box =>
                    new[] { (float)box.Corners.X1, (float)box.Corners.Y1, (float)box.Corners.X2, (float)box.Corners.Y2 }
                ),
            ],
            [.. fused.Select(box => (float)box.Score)],
            [.. fused.Select(box => box.Label)]
        )
        {
            Masks = masks ? [.. fused.Select(box => box.Mask!)] : null,
            OutputIsFinite = members.All(member => member.OutputIsFinite),
        };
}
