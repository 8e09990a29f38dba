using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <summary>How a curve of precision over recall becomes one number.</summary>
public enum VocApMode
{
    /// <summary>The area under the falling envelope, as VOC has it from 2010 on.</summary>
    Area,

    /// <summary>The mean of the envelope at recalls 0, 0.1 … 1, as VOC had it up to 2009.</summary>
    ElevenPoint,
}

/// <param name="Mode">The area under the curve (VOC 2010 and later), or the mean of 11 points (VOC 2007).</param>
/// <param name="IouThreshold">The least overlap of a detection with the object that it finds.</param>
/// <param name="PerClass">Also give every class's values ("voc/AP/cat", "voc/recall/cat"), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % interval; 0: no interval.</param>
/// <param name="Seed">Of the drawing.</param>
public sealed record VocApOptions(
    VocApMode Mode = VocApMode.Area,
    [property: Range(0.01, 1.0)] double IouThreshold = 0.5,
    bool PerClass = false,
    [property: Range(0, 1_000_000)] int Bootstrap = 1000,
    long Seed = 0
);

/// <summary>
/// Boxes as Pascal VOC measures them: "voc/mAP", the mean over classes of the average precision, and "voc/recall". Difficult objects
/// are neither asked for nor a mistake. With bootstrap "voc/mAP/low" and "voc/mAP/high", the 2.5 and 97.5 percentiles over images drawn
/// anew.
/// </summary>
/// <remarks>
/// Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010. A detection belongs to the object that it overlaps
/// most, found already or not: the second on an object is wrong even if another lies near. Departs from the development kit in
/// that a box from x1 to x2 is x2 - x1 wide, not one pixel more. A class without objects is NaN and left out of the mean.
/// </remarks>
[Component("VocAp")]
public sealed class VocApMetric(VocApOptions options) : Metric, IRedrawsImages
{
    private readonly List<(long Id, VocMatches[] Classes)> _images = [];
    private readonly TruthCounts _truth = new();
    private IReadOnlyList<string> _names = [];

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "VocAp", DataTask.Detection);
        _names = info.Classes;
        _images.Clear();
        _truth.Clear();
    }

    public override void Process(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            var (boxes, scores, labels) = Truth.Detections(predictions[i], samples[i], _names.Count);
            var truth = Truth.Objects(samples[i], _names.Count);
            _truth.Add(truth);
            var matches = VocMatches.Of(boxes, scores, labels, truth, _names.Count, options.IouThreshold);
            _images.Add((samples[i].ImageId ?? samples[i].Index + 1, matches));
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => Values(withInterval: options.Bootstrap > 0);

    public override IReadOnlyDictionary<string, double> ComputePoints() => Values(withInterval: false);

    Func<int[], double>? IRedrawsImages.Redraws(string name)
    {
        if (name != "voc/mAP")
            return null;
        var classes = Classes();
        return times => classes.Select(ofClass => ofClass.Measure(options.Mode, times).Precision).MeanOfDefined();
    }

    private Dictionary<string, double> Values(bool withInterval)
    {
        var classes = Classes();
        var found = Array.ConvertAll(classes, ofClass => ofClass.Measure(options.Mode));
        var values = new Dictionary<string, double>
        {
            ["voc/mAP"] = found.Select(value => value.Precision).MeanOfDefined(),
            ["voc/recall"] = found.Select(value => value.Recall).MeanOfDefined(),
        };
        if (withInterval)
            (values["voc/mAP/low"], values["voc/mAP/high"]) = Interval(classes);
        if (!options.PerClass)
            return values;
        for (var c = 0; c < found.Length; c++)
            (values[$"voc/AP/{_names[c]}"], values[$"voc/recall/{_names[c]}"]) = found[c];
        return values;
    }

    public override MetricReport Report()
    {
        if (_images.Count == 0 && !options.PerClass)
            return MetricReport.Empty;
        var classes = Classes();
        var absent = _names.Where((_, c) => classes[c].Objects == 0).ToArray();
        string[] undefined =
            _images.Count == 0 || absent.Length == 0
                ? []
                : [$"Without an object, so undefined (NaN) and left out of the means: {string.Join(", ", absent)}."];
        IEnumerable<string> unusual = _images.Count == 0 ? [] : _truth.Notes("");
        return new MetricReport
        {
            Tables = options.PerClass ? [Table(classes)] : [],
            InTables = options.PerClass
                ? _names.SelectMany(name => new[] { $"voc/AP/{name}", $"voc/recall/{name}" }).ToHashSet()
                : new HashSet<string>(),
            Notes = [.. undefined, .. unusual],
        };
    }

    public override byte[] Save() =>
        MetricState.Write(writer =>
        {
            _truth.Write(writer);
            writer.Write(_images.Count);
            foreach (var (id, classes) in _images)
            {
                writer.Write(id);
                writer.Write(classes.Length);
                foreach (var matches in classes)
                    matches.Write(writer);
            }
        });

    public override void Merge(ReadOnlySpan<byte> saved) =>
        MetricState.Read(
            saved,
            reader =>
            {
                _truth.Read(reader);
                for (var images = reader.ReadInt32(); images > 0; images--)
                {
                    var id = reader.ReadInt64();
                    var classes = new VocMatches[reader.ReadInt32()];
                    for (var c = 0; c < classes.Length; c++)
                        classes[c] = VocMatches.Read(reader);
                    _images.Add((id, classes));
                }
            }
        );

    private VocClass[] Classes()
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id)); // however many processes there were
        var matches = _names.Select(_ => new List<(int, VocMatches)>()).ToArray();
        for (var i = 0; i < _images.Count; i++)
            foreach (var ofClass in _images[i].Classes)
                matches[ofClass.Label].Add((i, ofClass));
        return Array.ConvertAll(matches, ofClass => new VocClass(ofClass));
    }

    private (double Low, double High) Interval(VocClass[] classes)
    {
        var times = new int[_images.Count];
        return Bootstrap.Intervals(
            _images.Count,
            options.Bootstrap,
            options.Seed,
            1,
            (drawn, values) =>
            {
                Array.Clear(times);
                foreach (var image in drawn)
                    times[image]++;
                values[0] = classes.Select(ofClass => ofClass.Measure(options.Mode, times).Precision).MeanOfDefined();
            }
        )[0];
    }

    private MetricTable Table(VocClass[] classes)
    {
        var rows = classes.Select(
            (ofClass, c) =>
            {
                var (precision, recall) = ofClass.Measure(options.Mode);
                var absent = ofClass.Objects == 0;
                return (IReadOnlyList<string>)
                    [_names[c], Cells.Value(precision, absent), Cells.Value(recall, absent), Cells.Count(ofClass.Objects)];
            }
        );
        return new MetricTable("Per class", ["class", "AP", "recall", "objects"], [.. rows]);
    }
}
