using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % interval of mIoU; 0: no interval.</param>
/// <param name="Seed">Of the drawing.</param>
/// <param name="Beta">How much more recall counts in the F-score than precision; 1: as much.</param>
public sealed record MeanIoUOptions(
    [property: Range(0, 1_000_000)] int Bootstrap = 1000,
    long Seed = 0,
    [property: Range(1e-3, 1e3)] double Beta = 1
);

/// <summary>
/// Segmentation maps against their truth, from counts of pixels over all images: "aAcc" (of all pixels), and "mIoU",
/// "mAcc", "mDice", "mFscore", "mPrecision", "mRecall", the means over classes of "IoU/cat", "Acc/cat" … With
/// bootstrap "mIoU/low" and "mIoU/high", the 2.5 and 97.5 percentiles over images drawn anew.
/// </summary>
/// <remarks>
/// IoU = TP / (TP + FP + FN), Acc = Recall = TP / (TP + FN), Dice = 2 TP / (2 TP + FP + FN), as MMSegmentation has
/// them. A value whose denominator is 0 is NaN and left out of the mean: everything for a class that is neither there nor
/// predicted, Acc for one that is predicted only.
/// </remarks>
[Component("MeanIoU")]
public sealed class MeanIoUMetric(MeanIoUOptions options) : Metric
{
    // What an image adds to a class: pixels that are both, true ones, predicted ones.
    private readonly record struct ClassCount(int Class, long Both, long Truth, long Predicted);

    private readonly MapHistogram _histogram = new();
    private readonly List<(long Index, ClassCount[] Counts)> _images = [];
    private IReadOnlyList<string> _names = [];

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "MeanIoU", DataTask.Segmentation);
        _names = info.Classes;
        _images.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        var (both, truth, predicted) = (new long[_names.Count], new long[_names.Count], new long[_names.Count]);
        for (var i = 0; i < samples.Count; i++)
        {
            Array.Clear(both);
            Array.Clear(truth);
            Array.Clear(predicted);
            foreach (var (t, p, pixels) in _histogram.Count(predictions[i], samples[i], _names.Count))
            {
                truth[t] += pixels;
                predicted[p] += pixels;
                if (t == p)
                    both[t] += pixels;
            }
            _images.Add(
                (
                    samples[i].Index,
                    [
                        .. Enumerable
                            .Range(0, _names.Count)
                            .Where(c => truth[c] + predicted[c] > 0)
                            .Select(c => new ClassCount(c, both[c], truth[c], predicted[c])),
                    ]
                )
            );
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => Values(withInterval: options.Bootstrap > 0);

    public override IReadOnlyDictionary<string, double> ComputePoints() => Values(withInterval: false);

    private Dictionary<string, double> Values(bool withInterval)
    {
        var total = Total(_images.Select(image => image.Counts));
        var values = new Dictionary<string, double> { ["aAcc"] = Ratio(total.Both.Sum(), total.Truth.Sum()) };
        var classes = PerClass(total);
        foreach (var (name, ofClasses) in classes)
            values["m" + name] = ofClasses.MeanOfDefined();
        if (withInterval)
            (values["mIoU/low"], values["mIoU/high"]) = Interval();
        foreach (var (name, ofClasses) in classes)
            for (var c = 0; c < _names.Count; c++)
                values[$"{name}/{_names[c]}"] = ofClasses[c];
        return values;
    }

    public override MetricReport Report()
    {
        var total = Total(_images.Select(image => image.Counts));
        return new MeanIoUReport(_names, total.Truth, total.Predicted).Build(
            PerClass(total),
            _images.Count,
            _images.Count(image => image.Counts.Length == 0)
        );
    }

    public override byte[] Save() =>
        MetricState.Write(
            _images,
            (writer, count) =>
            {
                writer.Write(count.Class);
                writer.Write(count.Both);
                writer.Write(count.Truth);
                writer.Write(count.Predicted);
            }
        );

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            _images,
            reader => new ClassCount(reader.ReadInt32(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64())
        );

    private IoUCounts Total(IEnumerable<ClassCount[]> images)
    {
        var total = new IoUCounts(_names.Count);
        foreach (var image in images)
        {
            foreach (ref readonly var count in image.AsSpan())
            {
                total.Both[count.Class] += count.Both;
                total.Truth[count.Class] += count.Truth;
                total.Predicted[count.Class] += count.Predicted;
            }
        }
        return total;
    }

    private (string Name, double[] Values)[] PerClass(IoUCounts total)
    {
        var square = options.Beta * options.Beta;
        return
        [
            ("IoU", [.. Enumerable.Range(0, _names.Count).Select(total.IoU)]),
            ("Acc", Of((both, truth, _) => Ratio(both, truth))),
            ("Dice", Of((both, truth, predicted) => Ratio(2 * both, truth + predicted))),
            ("Fscore", Of((both, truth, predicted) => Ratio((1 + square) * both, (square * truth) + predicted))),
            ("Precision", Of((both, _, predicted) => Ratio(both, predicted))),
            ("Recall", Of((both, truth, _) => Ratio(both, truth))),
        ];

        double[] Of(Func<long, long, long, double> value) =>
            [.. Enumerable.Range(0, _names.Count).Select(c => value(total.Both[c], total.Truth[c], total.Predicted[c]))];
    }

    private (double Low, double High) Interval()
    {
        var images = _images.OrderBy(image => image.Index).Select(image => image.Counts).ToArray(); // however many processes there were
        return Bootstrap.Intervals(
            images.Length,
            options.Bootstrap,
            options.Seed,
            1,
            (drawn, values) => values[0] = Total(drawn.Select(i => images[i])).MeanIoU()
        )[0];
    }

    private static double Ratio(double part, double whole) => whole == 0 ? double.NaN : part / whole;
}
