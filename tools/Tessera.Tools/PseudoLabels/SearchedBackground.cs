using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Models.PseudoLabels;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Labels by the threshold that the written scores speak for: by truth on half of the images where pixels are known, otherwise
/// by the scores of all.</summary>
/// <param name="origin">Which classes take part; see <see cref="ImageScores"/>.</param>
internal sealed class SearchedBackground(Dataset data, PseudoLabelFolder folder, byte origin)
{
    /// <summary>Writes the label image of each image.</summary>
    /// <param name="images">Those that have scores: their places in the data, and their names.</param>
    /// <returns>How the threshold was found. With truth that of the first half is looked at, as <c>score-masks</c> halves them.</returns>
    public JsonObject Label(IReadOnlyList<(int Index, string Name)> images)
    {
        var half = images.Where(image => !MaskTruth.IsSecondHalf(image.Name)).ToArray();
        var truth = half.Any(image => data.Get(image.Index).Truth.SegmentationMap is not null);
        var found = Search(truth ? half : images, truth);
        var rule = BackgroundRule.Fixed(found.Value);
        foreach (var (_, name) in images)
        {
            var scores = ScoresOf(name);
            folder.WriteMask(name, LabelMaps.Of(scores.Scores, scores.Classes, rule, scores.Height, scores.Width));
        }
        var described = new JsonObject
        {
            ["threshold"] = found.Value,
            ["criterion"] = found.Criterion,
            ["value"] = found.Reached,
            ["chosen_on"] = truth ? "the first half of the images, by the SHA-256 of their names" : "all images, without truth",
        };
        if (found.Curve.Count > 0)
            described["curve"] = new JsonArray([.. found.Curve.Select(point => (JsonNode?)new JsonArray(point.Threshold, point.Value))]);
        return described;
    }

    private FoundThreshold Search(IEnumerable<(int Index, string Name)> images, bool truth)
    {
        var search = new ThresholdSearch(data.Info.Classes.Count);
        foreach (var (index, name) in images)
        {
            var scores = ScoresOf(name);
            var (score, label) = LabelMaps.Best(scores.Scores, scores.Classes, scores.Height * scores.Width);
            search.Add(score, label, truth ? data.Get(index).Truth.SegmentationMap : null);
        }
        var found = search.Find();
        ToolConsole.Current.Line(
            search.WithTruth > 0
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"Threshold {found.Value:0.00}: the best mIoU, {found.Reached:0.0000}, on {search.WithTruth} images whose pixels are "
                        + $"known. Measure on the others."
                )
                : string.Create(CultureInfo.InvariantCulture, $"Threshold {found.Value:0.000}: Otsu's over the scores of all images.")
        );
        return found;
    }

    private ImageScores ScoresOf(string name) => ScoreFile.Read(folder.ScoresOf(name), data.Info.Classes.Count).Of(origin);
}
