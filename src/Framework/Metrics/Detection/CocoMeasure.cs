using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>What <see cref="CocoApMetric"/> gathers and computes of one way to overlap: boxes, masks or boundaries.</summary>
/// <param name="names">The classes.</param>
internal sealed class CocoMeasure(CocoIouType type, IReadOnlyList<string> names)
{
    private static readonly string[] s_figures = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"];

    private readonly List<(long Id, ClassMatches[] Classes)> _images = [];
    private readonly CocoMatcher _matcher = new(names.Count);

    /// <summary>What its values' names begin with.</summary>
    public string Prefix { get; } = type.ToString().ToLowerInvariant();

    public int Images => _images.Count;

    public void Process(Prediction prediction, Sample sample, BoxAnnotation truth)
    {
        var (boxes, scores, labels) = Truth.Detections(prediction, sample, names.Count);
        ICocoOverlaps overlaps =
            type == CocoIouType.Bbox
                ? new BoxOverlaps(boxes, truth)
                : new MaskOverlaps(
                    (DetectionPrediction)prediction,
                    truth,
                    sample,
                    boundary: type == CocoIouType.Boundary,
                    $"CocoAp with the type {Prefix}"
                );
        _images.Add((sample.ImageId ?? sample.Index + 1, _matcher.Match(overlaps, scores, labels, truth)));
    }

    /// <summary>What was gathered, by class; images by id, however many processes there were.</summary>
    public CocoClass[] Classes()
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id));
        var matches = names.Select(_ => new List<(int, ClassMatches)>()).ToArray();
        for (var i = 0; i < _images.Count; i++)
            foreach (var ofClass in _images[i].Classes)
                matches[ofClass.Label].Add((i, ofClass));
        return Array.ConvertAll(matches, ofClass => new CocoClass(ofClass));
    }

    /// <summary>Adds the values by their names.</summary>
    /// <param name="bootstrap">How often images are drawn anew; 0: no intervals.</param>
    public void AddValues(Dictionary<string, double> values, bool perClass, int bootstrap, long seed)
    {
        var classes = Classes();
        var figures = Array.ConvertAll(classes, Figures);
        foreach (var name in s_figures)
            values[$"{Prefix}/{name}"] = figures.Select(figure => figure[name]).MeanOfDefined();
        if (bootstrap > 0)
            AddIntervals(values, classes, bootstrap, seed);
        if (!perClass)
            return;
        for (var c = 0; c < classes.Length; c++)
            foreach (var name in CocoApReport.OfClasses)
                values[$"{Prefix}/{name}/{names[c]}"] = figures[c][name];
    }

    /// <inheritdoc cref="IRedrawsImages.Redraws"/>
    public Func<int[], double>? Redraws(string name)
    {
        Func<double[], double>? of =
            name == $"{Prefix}/AP" ? precision => precision.Average()
            : name == $"{Prefix}/AP50" ? precision => precision[0]
            : name == $"{Prefix}/AP75" ? precision => precision[5]
            : null;
        if (of is null)
            return null;
        var (classes, precision) = (Classes(), new double[CocoMatcher.Thresholds]);
        return times => classes.Select(ofClass => ofClass.Redraw(times, precision) ? of(precision) : double.NaN).MeanOfDefined();
    }

    public static Dictionary<string, double> Figures(CocoClass ofClass)
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

    private void AddIntervals(Dictionary<string, double> values, CocoClass[] classes, int rounds, long seed)
    {
        var times = new int[_images.Count];
        var precision = new double[CocoMatcher.Thresholds];
        var intervals = Bootstrap.Intervals(
            _images.Count,
            rounds,
            seed,
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
        (values[$"{Prefix}/AP/low"], values[$"{Prefix}/AP/high"]) = intervals[0];
        (values[$"{Prefix}/AP50/low"], values[$"{Prefix}/AP50/high"]) = intervals[1];
    }

    public void Write(BinaryWriter writer)
    {
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
    }

    /// <summary>Adds what another process gathered.</summary>
    public void Read(BinaryReader reader)
    {
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
}
