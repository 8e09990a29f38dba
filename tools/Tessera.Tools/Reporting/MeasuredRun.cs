using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Predictions;
using Tessera.Tools.Comparison;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;

namespace Tessera.Tools.Reporting;

/// <summary>An image of an evaluation, with what it was measured against.</summary>
/// <param name="Score">How well it is predicted (<see cref="ImageScore"/>); NaN where that is undefined.</param>
/// <param name="Words">What was predicted, and what was true.</param>
internal sealed record MeasuredImage(StoredPrediction Image, Sample Sample, double Score, string Words);

/// <summary>What a run's stored predictions come to against the truth: each image is looked at once.</summary>
internal sealed class MeasuredRun
{
    private MeasuredRun(PredictionFile file) => (File, Score) = (file, new ImageScore(file.Data));

    public PredictionFile File { get; }

    public DataInfo Data => File.Data;

    /// <summary>What images are ordered by.</summary>
    public ImageScore Score { get; }

    public IReadOnlyList<MeasuredImage> Images { get; private set; } = [];

    /// <summary>Of tasks with classes of their own for each image, pixel or object.</summary>
    public ConfusionMatrixMetric? Confusion { get; private init; }

    /// <summary>Of panoptic maps.</summary>
    public PanopticQualityMetric? Segments { get; private init; }

    /// <summary>Values class by class: a detector's by their names in <see cref="CocoApMetric"/>, of panoptic maps in
    /// <see cref="PanopticQualityMetric"/>.</summary>
    public IReadOnlyDictionary<string, double> OfClasses { get; private set; } = new Dictionary<string, double>();

    /// <summary>95 % intervals of the file's values, by name; those that the evaluation drew itself included.</summary>
    public IReadOnlyDictionary<string, (double Low, double High)> Intervals { get; private set; } =
        new Dictionary<string, (double Low, double High)>();

    /// <exception cref="UserErrorException">The truth can't be had, or is another one than the run was measured against.</exception>
    public static MeasuredRun Of(ReportedRun run, ReportSettings settings)
    {
        var file = run.Predictions!;
        var fromData = file.Data.Task is DataTask.Detection or DataTask.Segmentation or DataTask.Panoptic;
        if (fromData && run.Session is null)
            throw new UserErrorException(run.NoSession!);
        var part = DataParts.Named(file.Header.Part);
        var pairs = ImageTruth.Of(new PredictedRun(run.Folder, file, null), run.Session, part);
        var measured = new MeasuredRun(file)
        {
            Confusion = file.Data.Task is DataTask.Detection or DataTask.Segmentation or DataTask.Classification
                ? new ConfusionMatrixMetric(new(settings.LeastScore))
                : null,
            Segments = file.Data.Task == DataTask.Panoptic ? new PanopticQualityMetric(new(Bootstrap: 0)) : null,
        };
        if (pairs.Length > 0)
            measured.Measure(pairs, MetricIntervals.Of(run, file, pairs[0], part, settings.Bootstrap));
        return measured;
    }

    private void Measure((Sample Sample, StoredPrediction Image)[] pairs, MetricIntervals intervals)
    {
        var boxes = Data.Task == DataTask.Detection ? new CocoApMetric(new CocoApOptions(PerClass: true, Bootstrap: 0)) : null;
        boxes?.Reset(Data);
        Confusion?.Reset(Data);
        Segments?.Reset(Data);
        var advance = new Advance("measuring");
        var images = new List<MeasuredImage>();
        foreach (var (sample, image) in pairs)
        {
            var prediction = image.Load();
            if (IsFinite(prediction))
            {
                Confusion?.Process([prediction], [sample]);
                boxes?.Process([prediction], [sample]);
                Segments?.Process([prediction], [sample]);
            }
            intervals.Add(prediction, sample);
            images.Add(new MeasuredImage(image, sample, Score.Of(sample, prediction), Score.Words(sample, prediction)));
            advance.Report(images.Count, pairs.Length);
        }
        Images = images;
        OfClasses = boxes?.Compute() ?? Segments?.Compute() ?? OfClasses;
        Intervals = intervals.Draw();
    }

    private static bool IsFinite(Prediction prediction) =>
        prediction is not ClassPrediction { Scores: var scores } || scores.All(float.IsFinite);
}
