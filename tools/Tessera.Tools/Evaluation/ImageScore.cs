using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;
using Tessera.Tools.Output;

namespace Tessera.Tools.Evaluation;

/// <summary>How well one image is predicted, the higher the better.</summary>
internal sealed class ImageScore(DataInfo data)
{
    private const double MatchedFrom = 0.5;

    private readonly Metric? _metric = data.Task switch
    {
        DataTask.Detection => new CocoApMetric(new CocoApOptions(Bootstrap: 0)),
        DataTask.Segmentation => new MeanIoUMetric(new MeanIoUOptions(Bootstrap: 0)),
        DataTask.Panoptic => new PanopticQualityMetric(new PanopticQualityOptions(Bootstrap: 0)),
        _ => null,
    };

    public string Name =>
        data.Task switch
        {
            DataTask.Detection => "AP of the image",
            DataTask.Segmentation => "mIoU of the image",
            DataTask.Panoptic => "PQ of the image",
            DataTask.Regression => "mean error (negative)",
            DataTask.MultiLabel => "mean probability of what is true",
            _ => "probability of the true class",
        };

    /// <returns>NaN where it is undefined: no object is there, or every pixel is ignored.</returns>
    public double Of(Sample sample, Prediction prediction)
    {
        switch (prediction)
        {
            case ClassPrediction classes when data.Task == DataTask.MultiLabel && sample.Truth.MultiLabel is { } labels:
                return classes.Scores.Select((score, c) => labels[c] >= 0.5f ? score : 1 - score).Average();
            case ClassPrediction classes when data.Task == DataTask.Classification && sample.Truth.Label is { } label:
                return classes.Scores[label];
            case RegressionPrediction values when sample.Truth.Targets is { } targets:
                return -values.Values.Zip(targets, (a, b) => (double)Math.Abs(a - b)).Average();
        }
        if (_metric is null)
            return double.NaN;
        _metric.Reset(data);
        _metric.Process([prediction], [sample]);
        return _metric.Compute()[
            data.Task switch
            {
                DataTask.Detection => "bbox/AP",
                DataTask.Panoptic => "PQ",
                _ => "mIoU",
            }
        ];
    }

    /// <summary>What was predicted, and what was true, in words.</summary>
    public string Words(Sample sample, Prediction prediction) =>
        prediction switch
        {
            ClassPrediction { Label: var label } when data.Task == DataTask.Classification => sample.Truth.Label == label
                ? data.Classes[label]
                : $"{data.Classes[sample.Truth.Label!.Value]}, taken for {data.Classes[label]}",
            ClassPrediction classes => $"predicted {Names(classes.Scores)}; true {Names(sample.Truth.MultiLabel!)}",
            RegressionPrediction values => string.Join(
                ", ",
                values.Values.Select(
                    (value, t) => FormattableString.Invariant($"{data.Classes[t]} {value:0.###} ({sample.Truth.Targets![t]:0.###})")
                )
            ),
            DetectionPrediction found => DetectionWords(sample, found),
            PanopticPrediction found =>
                $"{Counted.Of(sample.Truth.Panoptic?.Segments.Count ?? 0, "segment")}, {found.Map.Segments.Count} found",
            _ => "",
        };

    private string DetectionWords(Sample sample, DetectionPrediction found)
    {
        var objects = sample.Truth.BoxAnnotation?.WithUnusable().Ignored.Count(ignored => !ignored) ?? 0;
        var (matched, iou) = Matches(sample, found);
        return $"{Counted.Of(objects, "object")}, {Counted.Of(found.Labels.Length, "box", "boxes")}"
            + (matched == 0 ? "" : FormattableString.Invariant($", {matched} matched with a mean IoU of {iou:0.000}"));
    }

    /// <summary>Boxes that lie on an object of their class, one to one, and the mean of their overlaps; NaN where there is none.</summary>
    public (int Count, double MeanIoU) Matches(Sample sample, Prediction prediction)
    {
        if (prediction is not DetectionPrediction found || sample.Truth.BoxAnnotation is not { } truth)
            return (0, double.NaN);
        var overlaps = BoxPairing.Overlaps(found, truth, MatchedFrom);
        return (overlaps.Count, overlaps.Count == 0 ? double.NaN : overlaps.Average());
    }

    private string Names(float[] scores) =>
        string.Join(", ", data.Classes.Where((_, c) => scores[c] >= 0.5f)) is { Length: > 0 } names ? names : "nothing";
}
