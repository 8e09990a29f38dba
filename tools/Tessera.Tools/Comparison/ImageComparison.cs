using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Metrics.Statistics;
using Tessera.Predictions;
using Tessera.Tools.Output;

namespace Tessera.Tools.Comparison;

/// <summary>Compares runs with the first of them, image by image.</summary>
internal sealed class ImageComparison
{
    private const long Seed = 0;

    private readonly PredictedRun _first;
    private readonly Session _session;
    private readonly DataPart _part;
    private readonly int _repetitions;
    private readonly (Sample Sample, StoredPrediction Image)[] _images;
    private readonly string _key; // of the metric in the config
    private readonly MeasuredImages _measured;

    /// <param name="session">Of the config that names metrics and data.</param>
    /// <param name="metric">null: the first value of the config's first metric.</param>
    /// <exception cref="UserErrorException">The data is not that of the predictions, or no metric gives the value.</exception>
    public ImageComparison(PredictedRun first, Session session, string? metric, int repetitions)
    {
        (_first, _session, _repetitions) = (first, session, repetitions);
        _part = DataParts.Named(first.File.Header.Part);
        _images = ImageTruth.Of(first, session, _part);
        (_key, Metric, Rule) = Choose(metric);
        _measured = Measure(first);
    }

    public string Metric { get; }

    public MetricRule Rule { get; }

    public FoundDifference With(PredictedRun second)
    {
        ComparisonErrors.RequireSameData(_first.Name, _first.File, second.Name, second.File);
        var measured = Measure(second);
        var advance = new Advance("drawing");
        var drawn = DrawnDifference.Of(_measured, measured, _repetitions, Seed, done => advance.Report(done, _repetitions));
        var exact = NewMetric() is AccuracyMetric;
        var (only, others) = exact ? Discordant(measured) : (0, 0);
        var pairs = string.Create(CultureInfo.InvariantCulture, $"{_images.Length} images of {_first.File.Header.Part}");
        return new FoundDifference
        {
            First = _first.Name,
            Second = second.Name,
            Metric = Metric,
            Rule = Rule,
            Values = (drawn.First, drawn.Second),
            Interval = drawn.Interval,
            PValue = difference => exact && difference == 0 ? McNemar.PValue(only, others) : drawn.PValue(difference),
            Test = exact ? "exact McNemar test" : "bootstrap of the paired difference",
            Pairs = pairs,
            Further = exact ? [("only_first_right", only), ("only_second_right", others)] : [],
        };
    }

    private Metric NewMetric() => _session.Data.CreateMetrics(_part, _first.File.Data)[_key];

    private (string Key, string Name, MetricRule Rule) Choose(string? wanted)
    {
        var known = new List<string>();
        foreach (var (key, metric) in _session.Data.CreateMetrics(_part, _first.File.Data))
        {
            metric.Reset(_first.File.Data);
            foreach (var (sample, image) in _images.Take(1))
                metric.Process([image.Load()], [sample]);
            foreach (var name in metric.ComputePoints().Keys)
            {
                known.Add(name);
                if (wanted is null ? metric.RuleOf(name) is null : name != wanted)
                    continue;
                return (
                    key,
                    name,
                    metric.RuleOf(name)
                        ?? throw new UserErrorException($"--metric {name}: its metric doesn't say whether more or less of it is better.")
                );
            }
        }
        if (wanted is not null && known.Count > 0)
            throw ComparisonErrors.NoMetric(wanted, known);
        throw new UserErrorException(
            $"{_session.Name}: {SessionData.NameOf(_part)}.metrics gives no value that the runs can be compared by."
        );
    }

    private MeasuredImages Measure(PredictedRun run)
    {
        var images = run.File.Images.ToDictionary(image => image.Image);
        var measured = new MeasuredImages(NewMetric(), _first.File.Data, Metric);
        var advance = new Advance("measuring");
        var unfinished = new NonFinitePredictions();
        foreach (var (sample, image) in _images)
        {
            var prediction = images[image.Image].Load();
            unfinished.See([prediction], [sample]);
            measured.Add(prediction, sample);
            advance.Report(measured.Count, _images.Length);
        }
        return unfinished.Text is { } text ? throw new UserErrorException($"{run.Name}: {text} So it can't be compared.") : measured;
    }

    private (long OnlyFirst, long OnlySecond) Discordant(MeasuredImages second)
    {
        var (first, other) = (0L, 0L);
        for (var i = 0; i < _images.Length; i++)
        {
            var (a, b) = (_measured.OfOne(i) > 0.5, second.OfOne(i) > 0.5);
            if (a && !b)
                first++;
            if (b && !a)
                other++;
        }
        return (first, other);
    }
}
