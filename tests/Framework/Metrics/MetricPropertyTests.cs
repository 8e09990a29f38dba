using CsCheck;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>What holds for every metric: parts merged are the whole, and the order of the samples does not matter; a failure is shrunk,
/// and its seed is in the message.</summary>
public sealed class MetricPropertyTests
{
    private const int Classes = 3;

    private static readonly Gen<float> s_score = Gen.Int[0, 16].Select(value => value / 16f); // equal ones are frequent
    private static readonly Gen<float[]> s_scores = s_score.Array[Classes];

    private static readonly Dictionary<DataTask, Gen<(Prediction Prediction, Sample Sample)>> s_pairs = new()
    {
        [DataTask.Classification] = Gen.Select(
            s_scores,
            Gen.Int[0, Classes - 1],
            (scores, label) =>
                (
                    (Prediction)Guess(scores),
                    new Sample
                    {
                        Index = 0,
                        Name = "image",
                        Truth = { Label = label },
                    }
                )
        ),
        [DataTask.MultiLabel] = Gen.Select(
            s_scores,
            Gen.Int[0, 1].Select(value => (float)value).Array[Classes],
            (scores, labels) =>
                (
                    (Prediction)Guess(scores),
                    new Sample
                    {
                        Index = 0,
                        Name = "image",
                        Truth = { MultiLabel = labels },
                    }
                )
        ),
        [DataTask.Regression] = Gen.Select(
            Gen.Int[-50, 50].Select(value => value / 8f).Array[Classes],
            Gen.Int[-50, 50].Select(value => value / 8f).Array[Classes],
            (values, targets) =>
                (
                    (Prediction)new RegressionPrediction(values),
                    new Sample
                    {
                        Index = 0,
                        Name = "image",
                        Truth = { Targets = targets },
                    }
                )
        ),
        [DataTask.Segmentation] = Gen.Select(
            Gen.Int[0, Classes - 1].Array[12],
            Gen.OneOf(Gen.Int[0, Classes - 1], Gen.Const(255)).Array[12],
            (predicted, truth) =>
                (
                    (Prediction)new SegmentationPrediction(Map(predicted)),
                    new Sample
                    {
                        Index = 0,
                        Name = "image",
                        Truth = { SegmentationMap = Map(truth) },
                    }
                )
        ),
        [DataTask.Detection] = Gen.Select(
            Gen.Select(Box(), s_score, Gen.Int[0, Classes - 1]).Array[0, 4],
            Gen.Select(Box(), Gen.Int[0, Classes - 1], Gen.Bool).Array[0, 4],
            (found, truth) =>
                (
                    (Prediction)
                        new DetectionPrediction(
                            [.. found.SelectMany(box => box.Item1)],
                            [.. found.Select(box => box.Item2)],
                            [.. found.Select(box => box.Item3)]
                        ),
                    new Sample
                    {
                        Index = 0,
                        Name = "image",
                        Truth =
                        {
                            Boxes = new Boxes(
                                [.. truth.SelectMany(box => box.Item1)],
                                [.. truth.Select(box => box.Item2)],
                                [.. truth.Select(box => box.Item3)]
                            ),
                        },
                    }
                )
        ),
    };

    private static readonly Dictionary<string, (DataTask Task, Func<Metric> Make)> s_metrics = new()
    {
        ["accuracy"] = (DataTask.Classification, () => new AccuracyMetric(new([1, 2]))),
        ["precision, recall, F1"] = (DataTask.Classification, () => new PrecisionRecallF1Metric(new(PerClass: true))),
        ["precision, recall, F1 of several labels"] = (DataTask.MultiLabel, () => new PrecisionRecallF1Metric(new(PerClass: true))),
        ["average precision"] = (DataTask.Classification, () => new AveragePrecisionMetric(new(true))),
        ["average precision of several labels"] = (DataTask.MultiLabel, () => new AveragePrecisionMetric(new(true))),
        ["area under the ROC curve"] = (DataTask.MultiLabel, () => new AurocMetric(new(true))),
        ["confusion of images"] = (DataTask.Classification, () => new ConfusionMatrixMetric(new())),
        ["confusion of maps"] = (DataTask.Segmentation, () => new ConfusionMatrixMetric(new())),
        ["confusion of boxes"] = (DataTask.Detection, () => new ConfusionMatrixMetric(new())),
        ["mean IoU"] = (DataTask.Segmentation, () => new MeanIoUMetric(new(Bootstrap: 10))),
        ["COCO's AP"] = (DataTask.Detection, () => new CocoApMetric(new(true, 10))),
        ["LVIS's AP"] = (DataTask.Detection, () => new LvisApMetric(new(true, 10))),
        ["Open Images' AP"] = (DataTask.Detection, () => new OpenImagesApMetric(new(PerClass: true, Bootstrap: 10))),
        ["VOC's AP"] = (DataTask.Detection, () => new VocApMetric(new(PerClass: true, Bootstrap: 10))),
        ["errors of numbers"] = (DataTask.Regression, () => new RegressionMetric()),
    };

    public static TheoryData<string> Names => [.. s_metrics.Keys];

    [Theory, MemberData(nameof(Names))]
    public void Merge_OfTwoParts_IsTheWhole(string name)
    {
        var (task, make) = s_metrics[name];
        Gen.Select(s_pairs[task].Array[0, 9], Gen.Int[0, 9])
            .Sample(
                (pairs, cut) =>
                {
                    var all = Numbered(pairs);
                    cut = Math.Min(cut, all.Length);
                    var merged = Measured(make, task, all[..cut]);
                    merged.Merge(Measured(make, task, all[cut..]).Save());
                    AssertSame(Measured(make, task, all), merged);
                },
                iter: 60,
                threads: 1
            );
    }

    [Theory, MemberData(nameof(Names))]
    public void Process_InAnyOrder_IsTheSame(string name)
    {
        var (task, make) = s_metrics[name];
        Gen.Select(s_pairs[task].Array[0, 9], Gen.Int[0, 1000])
            .Sample(
                (pairs, seed) =>
                {
                    var all = Numbered(pairs);
                    var shuffled = all.ToArray();
                    new Random(seed).Shuffle(shuffled);
                    AssertSame(Measured(make, task, all), Measured(make, task, shuffled));
                },
                iter: 60,
                threads: 1
            );
    }

    /// <summary>What tables show is among the values, and shares of a whole lie in [0, 1].</summary>
    [Theory, MemberData(nameof(Names))]
    public void Compute_GivesSharesAndReportsNoOthers(string name)
    {
        var (task, make) = s_metrics[name];
        s_pairs[task]
            .Array[1, 9]
            .Sample(
                pairs =>
                {
                    var metric = Measured(make, task, Numbered(pairs));
                    var values = metric.Compute();
                    if (task != DataTask.Regression)
                        Assert.All(values.Values.Where(value => !double.IsNaN(value)), value => Assert.InRange(value, 0, 1 + 1e-12));
                    Assert.Subset(values.Keys.ToHashSet(), metric.Report().InTables.ToHashSet());
                },
                iter: 60,
                threads: 1
            );
    }

    private static (Prediction Prediction, Sample Sample)[] Numbered((Prediction Prediction, Sample Sample)[] pairs)
    {
        for (var i = 0; i < pairs.Length; i++)
            pairs[i].Sample.Index = i;
        return pairs;
    }

    private static Metric Measured(Func<Metric> make, DataTask task, (Prediction Prediction, Sample Sample)[] pairs)
    {
        var metric = make();
        metric.Reset(
            new DataInfo([.. Enumerable.Range(0, Classes).Select(c => $"c{c}")], task)
            {
                Frequencies = [ClassFrequency.Rare, ClassFrequency.Common, ClassFrequency.Frequent],
                Ancestors =
                [
                    [],
                    [0],
                    [0, 1],
                ],
            }
        );
        metric.Process([.. pairs.Select(pair => pair.Prediction)], [.. pairs.Select(pair => pair.Sample)]);
        return metric;
    }

    private static void AssertSame(Metric expected, Metric actual)
    {
        var (wanted, found) = (expected.Compute(), actual.Compute());
        Assert.Equal(wanted.Keys, found.Keys);
        foreach (var (key, value) in wanted)
            Assert.True(
                double.IsNaN(value) ? double.IsNaN(found[key]) : Math.Abs(value - found[key]) <= 1e-9 * Math.Max(1, Math.Abs(value)),
                $"{key} is {found[key]}, not {value}."
            );
        Assert.Equal(expected.Details()?.ToJsonString(), actual.Details()?.ToJsonString());
        Assert.Equal(expected.Report().Notes, actual.Report().Notes);
        Assert.Equal(expected.Report().Tables.Select(TextTable.Format), actual.Report().Tables.Select(TextTable.Format));
    }

    private static ClassPrediction Guess(float[] scores) => new ClassPrediction(scores, Array.IndexOf(scores, scores.Max()));

    private static Image Map(int[] values) => new(3, 4, 1, PixelType.UInt8, Array.ConvertAll(values, value => (byte)value));

    private static Gen<float[]> Box() =>
        Gen.Select(
            Gen.Int[0, 40],
            Gen.Int[0, 40],
            Gen.Int[1, 120],
            Gen.Int[1, 120],
            (x, y, width, height) => new float[] { x, y, x + width, y + height }
        );
}
