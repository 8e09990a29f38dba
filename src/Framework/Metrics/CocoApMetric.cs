using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics.Detection;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics;

/// <param name="PerClass">Also give every class's values ("bbox/AP/cat", "bbox/AP50/cat" …), and a table of them.</param>
/// <param name="Bootstrap">How often the images are drawn anew, with repetition, for the 95 % intervals of AP and AP50; 0: no
/// intervals.</param>
/// <param name="Seed">Of the drawing.</param>
public sealed record CocoApOptions(bool PerClass = false, [property: Range(0, 1_000_000)] int Bootstrap = 1000, long Seed = 0);

/// <summary>
/// Boxes as COCO measures them: "bbox/AP" over IoU 0.50 to 0.95, "bbox/AP50", "bbox/AP75", of small, medium and large objects
/// "bbox/APs", "bbox/APm", "bbox/APl", and the recall of an image's best 1, 10 and 100 detections, "bbox/AR1", "bbox/AR10",
/// "bbox/AR100", "bbox/ARs", "bbox/ARm", "bbox/ARl". With bootstrap "bbox/AP/low" and "bbox/AP/high", the 2.5 and 97.5
/// percentiles over images drawn anew, and the same of AP50.
/// </summary>
/// <remarks>
/// Lin et al., "Microsoft COCO: Common Objects in Context", 2014, arXiv:1405.0312; the numbers are pycocotools', except that what
/// no object stands for is NaN instead of -1, that an annotation whose id is 0 can be found, and that objects marked difficult or
/// "ignore" are ignored as those out of the range of areas are (pycocotools passes over that mark). Objects without extent or
/// outside their image are asked for, though nothing can find them. Equal scores are ranked by image id, then in the order given.
/// </remarks>
[Component("CocoAp")]
public sealed class CocoApMetric(CocoApOptions options) : Metric, IRedrawsImages
{
    private readonly List<(long Id, ClassMatches[] Classes)> _images = [];
    private readonly TruthCounts _truth = new();
    private IReadOnlyList<string> _names = [];
    private CocoMatcher _matcher = new(0);

    public override void Reset(DataInfo info)
    {
        Truth.Require(info, "CocoAp", DataTask.Detection);
        _names = info.Classes;
        _matcher = new CocoMatcher(_names.Count);
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
            _images.Add((samples[i].ImageId ?? samples[i].Index + 1, _matcher.Match(boxes, scores, labels, truth)));
        }
    }

    public override MetricRule? RuleOf(string name) => MetricRule.Greater;

    public override IReadOnlyDictionary<string, double> Compute() => Values(withIntervals: options.Bootstrap > 0);

    public override IReadOnlyDictionary<string, double> ComputePoints() => Values(withIntervals: false);

    Func<int[], double>? IRedrawsImages.Redraws(string name)
    {
        Func<double[], double>? of = name switch
        {
            "bbox/AP" => precision => precision.Average(),
            "bbox/AP50" => precision => precision[0],
            "bbox/AP75" => precision => precision[5],
            _ => null,
        };
        if (of is null)
            return null;
        var (classes, precision) = (Classes(), new double[CocoMatcher.Thresholds]);
        return times => classes.Select(ofClass => ofClass.Redraw(times, precision) ? of(precision) : double.NaN).MeanOfDefined();
    }

    private Dictionary<string, double> Values(bool withIntervals)
    {
        var classes = Classes();
        var values = new Dictionary<string, double>();
        var figures = Array.ConvertAll(classes, Figures);
        foreach (var name in (string[])["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"])
            values["bbox/" + name] = figures.Select(figure => figure[name]).MeanOfDefined();
        if (withIntervals)
            AddIntervals(values, classes);
        if (!options.PerClass)
            return values;
        for (var c = 0; c < classes.Length; c++)
            foreach (var name in CocoApReport.OfClasses)
                values[$"bbox/{name}/{_names[c]}"] = figures[c][name];
        return values;
    }

    public override MetricReport Report()
    {
        var classes = Classes();
        return new CocoApReport(_names, classes, options.PerClass ? Array.ConvertAll(classes, Figures) : null).Build(
            _images.Count > 0,
            _truth.Notes(", where pycocotools asks for those of COCO's \"ignore\"")
        );
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
                foreach (var (label, objects, detections) in classes)
                {
                    writer.Write(label);
                    foreach (var count in objects)
                        writer.Write(count);
                    writer.Write(detections.Length);
                    foreach (var (score, matched, ignored) in detections)
                    {
                        writer.Write(score);
                        writer.Write(matched);
                        writer.Write(ignored);
                    }
                }
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
                    var classes = new ClassMatches[reader.ReadInt32()];
                    for (var c = 0; c < classes.Length; c++)
                    {
                        var (label, objects) = (reader.ReadInt32(), new int[CocoMatcher.Areas]);
                        for (var area = 0; area < objects.Length; area++)
                            objects[area] = reader.ReadInt32();
                        var detections = new CocoMatch[reader.ReadInt32()];
                        for (var d = 0; d < detections.Length; d++)
                            detections[d] = new CocoMatch(reader.ReadDouble(), reader.ReadUInt64(), reader.ReadUInt64());
                        classes[c] = new ClassMatches(label, objects, detections);
                    }
                    _images.Add((id, classes));
                }
            }
        );

    /// <summary>What was gathered, by class; images by id, however many processes there were.</summary>
    private CocoClass[] Classes()
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id));
        var matches = _names.Select(_ => new List<(int, ClassMatches)>()).ToArray();
        for (var i = 0; i < _images.Count; i++)
            foreach (var ofClass in _images[i].Classes)
                matches[ofClass.Label].Add((i, ofClass));
        return Array.ConvertAll(matches, ofClass => new CocoClass(ofClass));
    }

    private static Dictionary<string, double> Figures(CocoClass ofClass)
    {
        var precision = ofClass.Precision(0);
        return new Dictionary<string, double>
        {
            ["AP"] = precision.Average(),
            ["AP50"] = precision[0],
            ["AP75"] = precision[5],
            ["APs"] = ofClass.Precision(1).Average(),
            ["APm"] = ofClass.Precision(2).Average(),
            ["APl"] = ofClass.Precision(3).Average(),
            ["AR1"] = ofClass.Recall(0, 1).Average(),
            ["AR10"] = ofClass.Recall(0, 10).Average(),
            ["AR100"] = ofClass.Recall(0, CocoMatcher.MostDetections).Average(),
            ["ARs"] = ofClass.Recall(1, CocoMatcher.MostDetections).Average(),
            ["ARm"] = ofClass.Recall(2, CocoMatcher.MostDetections).Average(),
            ["ARl"] = ofClass.Recall(3, CocoMatcher.MostDetections).Average(),
        };
    }

    private void AddIntervals(Dictionary<string, double> values, CocoClass[] classes)
    {
        var times = new int[_images.Count];
        var precision = new double[CocoMatcher.Thresholds];
        var intervals = Bootstrap.Intervals(
            _images.Count,
            options.Bootstrap,
            options.Seed,
            2,
            (drawn, results) =>
            {
                Array.Clear(times);
                foreach (var image in drawn)
                    times[image]++;
                var (defined, ap, ap50) = (0, 0.0, 0.0);
                foreach (var ofClass in classes)
                {
                    if (!ofClass.Redraw(times, precision))
                        continue;
                    defined++;
                    ap += precision.Average();
                    ap50 += precision[0];
                }
                (results[0], results[1]) = (ap / defined, ap50 / defined);
            }
        );
        (values["bbox/AP/low"], values["bbox/AP/high"]) = intervals[0];
        (values["bbox/AP50/low"], values["bbox/AP50/high"]) = intervals[1];
    }
}
