using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Metrics;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Scores of pseudo labels for people and for programs.</summary>
internal sealed class MaskScoreReport(MaskScores scores, IReadOnlyList<string> classes, int repetitions)
{
    private readonly List<(string Key, string Title, HonestScore Score)> _honest =
    [
        .. new (string, string, HonestScore?)[]
        {
            ("given_labels", "given labels (an oracle)", scores.Given),
            ("predicted_labels", "predicted labels", scores.Predicted),
        }
            .Where(entry => entry.Item3 is not null)
            .Select(entry => (entry.Item1, entry.Item2, entry.Item3!)),
    ];

    /// <summary>Flat: "masks/mIoU", "given_labels/honest/mIoU" …, and the curves.</summary>
    public JsonObject Json()
    {
        var document = new JsonObject();
        foreach (var (name, value) in Values())
            document[name] = double.IsFinite(value) ? value : null;
        foreach (var (key, _, score) in _honest)
            document[$"{key}/curve"] = new JsonArray([.. score.Curve.Select(value => (JsonNode?)(double.IsFinite(value) ? value : null))]);
        return document;
    }

    public void Show(ToolConsole console)
    {
        var values = Values();
        if (scores.Masks.Count > 0)
        {
            console.Line($"Masks of {scores.Masks.Count} images: mIoU {Range(values, "masks/mIoU")}");
            if (values["masks/decided"] < 1)
                console.Line(
                    $"Of their pixels {Percent(values["masks/decided"])} are decided; on those alone mIoU is "
                        + $"{Cell(values["masks/mIoU_decided"])}. Above, undecided pixels count as missed."
                );
            if (scores.Exact == scores.Masks.Count)
                console.Warning(
                    "every mask is its image's truth to the pixel. Is the folder a copy of the truth? What is trained on it is trained on "
                        + "the truth."
                );
        }
        if (_honest.Count > 0)
            console.Table(Honest(values));
        console.Table(PerClass());
        if (_honest.Count > 0)
            console.Table(Curve());
    }

    private MetricTable Honest(IReadOnlyDictionary<string, double> values) =>
        new(
            "Scores under a threshold (mIoU)",
            ["classes by", "honest", "first half, at", "second half, at", "halves peeking", "peeking optimum, at"],
            [
                .. _honest.Select(entry =>
                    (IReadOnlyList<string>)
                        [
                            entry.Title,
                            Range(values, $"{entry.Key}/honest/mIoU"),
                            $"{Cell(entry.Score.First)}, {Short(entry.Score.Thresholds.Second)}",
                            $"{Cell(entry.Score.Second)}, {Short(entry.Score.Thresholds.First)}",
                            Cell(entry.Score.PeekingHalves),
                            $"{Cell(entry.Score.Peeking)}, {Short(entry.Score.PeekingThreshold)}",
                        ]
                ),
            ]
        );

    private MetricTable PerClass()
    {
        var columns = _honest.Select(entry => (entry.Title, Counts: entry.Score.Total(classes.Count))).ToList();
        if (scores.Masks.Count > 0)
            columns.Insert(0, ("masks", Sum(scores.Masks)));
        return new MetricTable(
            "IoU per class",
            ["class", .. columns.Select(column => column.Title)],
            [.. classes.Select((name, c) => (IReadOnlyList<string>)[name, .. columns.Select(column => Cell(column.Counts.IoU(c)))])]
        );
    }

    private MetricTable Curve() =>
        new(
            "mIoU at thresholds, over all images",
            ["threshold", .. _honest.Select(entry => entry.Title)],
            [
                .. Enumerable
                    .Range(0, 11)
                    .Select(i =>
                        (IReadOnlyList<string>)
                            [Short(HonestScoring.Threshold(10 * i)), .. _honest.Select(entry => Cell(entry.Score.Curve[10 * i]))]
                    ),
            ]
        );

    private Dictionary<string, double> Values()
    {
        var values = new Dictionary<string, double>();
        if (scores.Masks.Count > 0)
        {
            var (all, decided) = (Sum(scores.Masks), Sum(scores.Decided));
            values["masks/images"] = scores.Masks.Count;
            values["masks/mIoU"] = all.MeanIoU();
            if (repetitions > 0)
                (values["masks/mIoU/low"], values["masks/mIoU/high"]) = Bootstrap.Intervals(
                    scores.Masks.Count,
                    repetitions,
                    0,
                    1,
                    (drawn, found) => found[0] = Sum(drawn.Select(i => scores.Masks[i])).MeanIoU()
                )[0];
            values["masks/mIoU_decided"] = decided.MeanIoU();
            values["masks/decided"] = (double)decided.Truth.Sum() / all.Truth.Sum();
            PerClass("masks", all);
        }
        foreach (var (key, _, score) in _honest)
        {
            values[$"{key}/images"] = score.Images.Count;
            values[$"{key}/honest/mIoU"] = score.Honest;
            if (repetitions > 0)
                (values[$"{key}/honest/mIoU/low"], values[$"{key}/honest/mIoU/high"]) = score.Interval(classes.Count, repetitions);
            values[$"{key}/honest/first_half"] = score.First;
            values[$"{key}/honest/second_half"] = score.Second;
            values[$"{key}/threshold/first_half"] = score.Thresholds.First;
            values[$"{key}/threshold/second_half"] = score.Thresholds.Second;
            values[$"{key}/peeking/halves"] = score.PeekingHalves;
            values[$"{key}/peeking/optimum"] = score.Peeking;
            values[$"{key}/peeking/threshold"] = score.PeekingThreshold;
            PerClass($"{key}/honest", score.Total(classes.Count));
        }
        return values;

        void PerClass(string prefix, IoUCounts counts)
        {
            for (var c = 0; c < classes.Count; c++)
                values[$"{prefix}/IoU/{classes[c]}"] = counts.IoU(c);
        }
    }

    private IoUCounts Sum(IEnumerable<IoUCounts> images)
    {
        var total = new IoUCounts(classes.Count);
        foreach (var image in images)
            total.Add(image);
        return total;
    }

    private static string Range(IReadOnlyDictionary<string, double> values, string name) =>
        values.TryGetValue(name + "/low", out var low) && double.IsFinite(low)
            ? $"{Cell(values[name])} [{Cell(low)}, {Cell(values[name + "/high"])}]"
            : Cell(values[name]);

    private static string Cell(double value) => double.IsNaN(value) ? "-" : value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Short(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Percent(double value) => string.Create(CultureInfo.InvariantCulture, $"{100 * value:0.0} %");
}
