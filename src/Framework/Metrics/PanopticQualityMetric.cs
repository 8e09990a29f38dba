using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % interval of PQ; 0: no interval.</param>
/// <param name="Seed">Of the drawing.</param>
public sealed record PanopticQualityOptions([property: Range(0, 1_000_000)] int Bootstrap = 1000, long Seed = 0);

/// <summary>
/// Panoptic maps against their truth: "PQ", "SQ" and "RQ", the means over all classes; "PQ_th" … over classes of things, "PQ_st" …
/// over classes of stuff; "PQ/cat", "SQ/cat", "RQ/cat" of each class. With bootstrap "PQ/low" and "PQ/high", the 2.5 and 97.5
/// percentiles over images drawn anew.
/// </summary>
/// <remarks>
/// Kirillov et al., "Panoptic Segmentation", CVPR 2019, arXiv:1801.00868: of a class with TP pairs, FP wrong and FN missed segments, SQ is
/// the mean overlap of the pairs, RQ = TP / (TP + FP / 2 + FN / 2), and PQ = SQ · RQ. The numbers are panopticapi's, but that a class of
/// which there is neither a true nor a predicted segment is NaN and not 0 (it is left out of the means in both), that means over
/// no class are NaN, and that areas are counted in the maps and not read from annotations.
/// </remarks>
[Component("PanopticQuality")]
public sealed class PanopticQualityMetric(PanopticQualityOptions options) : Metric
{
    private static readonly string[] s_figures = ["PQ", "SQ", "RQ"];

    private readonly List<(long Index, PanopticCount[] Counts)> _images = [];
    private IReadOnlyList<string> _names = [];
    private IReadOnlyList<bool> _things = [];

    /// <summary>What the images seen so far come to, for each class of the data.</summary>
    public IReadOnlyList<PanopticCount> Counts => Totals(InOrder().Select(image => image.Counts));

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "PanopticQuality", DataTask.Panoptic);
        _names = info.Classes;
        _things = info.Things ?? throw new UserErrorException("PanopticQuality: the data doesn't say which of its classes are things.");
        _images.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var (truth, found) = (TruthOf(samples[i]), FoundIn(predictions[i], samples[i]));
            if ((truth.Height, truth.Width) != (found.Height, found.Width))
                throw new UserErrorException(
                    $"{samples[i].Name}: its panoptic map is {truth.Width} x {truth.Height}, the prediction {found.Width} x "
                        + $"{found.Height}. In a pipeline for evaluation LoadPanoptic stands after the steps that resize."
                );
            _images.Add((samples[i].Index, PanopticMatching.Of(truth, found)));
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => Values(options.Bootstrap > 0);

    public override IReadOnlyDictionary<string, double> ComputePoints() => Values(withInterval: false);

    public override MetricReport Report()
    {
        var totals = Counts;
        var rows = _names.Select(
            (name, c) =>
                (IReadOnlyList<string>)
                    [
                        name,
                        _things[c] ? "thing" : "stuff",
                        .. Figures(totals[c]).Select(value => Cells.Value(value, double.IsNaN(value))),
                        totals[c].Found.ToString(CultureInfo.InvariantCulture),
                        totals[c].Wrong.ToString(CultureInfo.InvariantCulture),
                        totals[c].Missed.ToString(CultureInfo.InvariantCulture),
                    ]
        );
        var absent = _names.Where((_, c) => IsAbsent(totals[c])).ToArray();
        return new MetricReport
        {
            Tables = [new MetricTable("Per class", ["class", "kind", .. s_figures, "found", "wrong", "missed"], [.. rows])],
            InTables = s_figures.SelectMany(figure => _names.Select(name => $"{figure}/{name}")).ToHashSet(),
            Notes =
                _images.Count > 0 && absent.Length > 0
                    ?
                    [
                        $"No segment in the truth and none predicted, so undefined (NaN) and left out of the means: "
                            + $"{string.Join(", ", absent)}.",
                    ]
                    : [],
        };
    }

    public override byte[] Save() =>
        MetricState.Write(
            _images,
            (writer, count) =>
            {
                writer.Write(count.Class);
                writer.Write(count.Found);
                writer.Write(count.Wrong);
                writer.Write(count.Missed);
                writer.Write(count.Overlap);
            }
        );

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            _images,
            reader => new PanopticCount(reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadDouble())
        );

    private PanopticMap TruthOf(Sample sample)
    {
        var truth =
            sample.Truth.Panoptic
            ?? throw new UserErrorException(
                $"{sample.Name} has no panoptic map, which the metric compares with. A step LoadPanoptic in the pipeline reads it."
            );
        return truth.Segments.FirstOrDefault(segment => (uint)segment.Label >= (uint)_names.Count) is { Label: var label }
            ? throw new UserErrorException($"{sample.Name}: a segment is labelled {label}; {Truth.Range(_names.Count)}.")
            : truth;
    }

    private PanopticMap FoundIn(Prediction prediction, Sample sample)
    {
        if (prediction is not PanopticPrediction { Map: var found })
            throw new UserErrorException($"The model predicts no panoptic map for {sample.Name}; the metric compares such maps.");
        return found.Segments.FirstOrDefault(segment => (uint)segment.Label >= (uint)_names.Count) is { Label: var label }
            ? throw new UserErrorException($"{sample.Name}: the model predicts class {label}; {Truth.Range(_names.Count)}.")
            : found;
    }

    private Dictionary<string, double> Values(bool withInterval)
    {
        var images = InOrder();
        var totals = Totals(images.Select(image => image.Counts));
        var values = new Dictionary<string, double>();
        AddMeans("", _ => true);
        AddMeans("_th", c => _things[c]);
        AddMeans("_st", c => !_things[c]);
        if (withInterval)
            (values["PQ/low"], values["PQ/high"]) = Bootstrap.Intervals(
                images.Length,
                options.Bootstrap,
                options.Seed,
                1,
                (drawn, results) =>
                    results[0] = Totals(drawn.Select(i => images[i].Counts)).Select(total => Figures(total)[0]).MeanOfDefined()
            )[0];
        for (var f = 0; f < s_figures.Length; f++)
        for (var c = 0; c < _names.Count; c++)
            values[$"{s_figures[f]}/{_names[c]}"] = Figures(totals[c])[f];
        return values;

        void AddMeans(string suffix, Func<int, bool> wanted)
        {
            var chosen = Enumerable.Range(0, _names.Count).Where(wanted).Select(c => Figures(totals[c])).ToArray();
            for (var f = 0; f < s_figures.Length; f++)
                values[s_figures[f] + suffix] = chosen.Select(figures => figures[f]).MeanOfDefined();
        }
    }

    /// <summary>By their places in the data, so that sums don't depend on the number of processes.</summary>
    private (long Index, PanopticCount[] Counts)[] InOrder() => [.. _images.OrderBy(image => image.Index)];

    private PanopticCount[] Totals(IEnumerable<PanopticCount[]> images)
    {
        PanopticCount[] totals = [.. Enumerable.Range(0, _names.Count).Select(c => new PanopticCount(c, 0, 0, 0, 0))];
        foreach (var image in images)
        foreach (var (c, found, wrong, missed, overlap) in image)
        {
            var of = totals[c];
            totals[c] = new PanopticCount(c, of.Found + found, of.Wrong + wrong, of.Missed + missed, of.Overlap + overlap);
        }
        return totals;
    }

    private static bool IsAbsent(PanopticCount total) => total.Found + total.Wrong + total.Missed == 0;

    private static double[] Figures(PanopticCount total)
    {
        if (IsAbsent(total))
            return [double.NaN, double.NaN, double.NaN];
        var all = total.Found + (0.5 * total.Wrong) + (0.5 * total.Missed);
        return [total.Overlap / all, total.Found == 0 ? 0 : total.Overlap / total.Found, total.Found / all];
    }
}
