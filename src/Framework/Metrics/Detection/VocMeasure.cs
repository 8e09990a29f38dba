using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>What metrics of VOC's kind gather and compute: one average precision for each class, and their mean.</summary>
/// <param name="prefix">What the values' names begin with.</param>
/// <param name="names">The classes.</param>
internal sealed class VocMeasure(string prefix, IReadOnlyList<string> names, VocApMode mode) : IGathers
{
    private readonly List<(long Id, VocMatches[] Classes)> _images = [];

    public IReadOnlyList<string> Names => names;

    public void Add(Sample sample, VocMatches[] matches) => _images.Add((sample.ImageId ?? sample.Index + 1, matches));

    /// <param name="rounds">How often images are drawn anew for the interval; 0: none is given.</param>
    public Dictionary<string, double> Values(bool perClass, int rounds, long seed)
    {
        var classes = Classes();
        var found = Array.ConvertAll(classes, ofClass => ofClass.Measure(mode));
        var values = new Dictionary<string, double>
        {
            [$"{prefix}/mAP"] = found.Select(value => value.Precision).MeanOfDefined(),
            [$"{prefix}/recall"] = found.Select(value => value.Recall).MeanOfDefined(),
        };
        if (rounds > 0)
            (values[$"{prefix}/mAP/low"], values[$"{prefix}/mAP/high"]) = Interval(classes, rounds, seed);
        if (!perClass)
            return values;
        for (var c = 0; c < found.Length; c++)
            (values[$"{prefix}/AP/{names[c]}"], values[$"{prefix}/recall/{names[c]}"]) = found[c];
        return values;
    }

    /// <inheritdoc cref="IRedrawsImages.Redraws"/>
    public Func<int[], double>? Redraws(string name)
    {
        if (name != $"{prefix}/mAP")
            return null;
        var classes = Classes();
        return times => classes.Select(ofClass => ofClass.Measure(mode, times).Precision).MeanOfDefined();
    }

    /// <param name="unusual">Notes on the truth.</param>
    public MetricReport Report(bool perClass, IEnumerable<string> unusual)
    {
        if (_images.Count == 0 && !perClass)
            return MetricReport.Empty;
        var classes = Classes();
        var absent = names.Where((_, c) => classes[c].Objects == 0).ToArray();
        string[] undefined =
            _images.Count == 0 || absent.Length == 0
                ? []
                : [$"Without an object, so undefined (NaN) and left out of the means: {string.Join(", ", absent)}."];
        return new MetricReport
        {
            Tables = perClass ? [Table(classes)] : [],
            InTables = perClass
                ? names.SelectMany(name => new[] { $"{prefix}/AP/{name}", $"{prefix}/recall/{name}" }).ToHashSet()
                : new HashSet<string>(),
            Notes = _images.Count == 0 ? undefined : [.. undefined, .. unusual],
        };
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(_images.Count);
        foreach (var (id, classes) in _images)
        {
            writer.Write(id);
            writer.Write(classes.Length);
            foreach (var matches in classes)
                matches.Write(writer);
        }
    }

    public void Read(BinaryReader reader)
    {
        for (var images = reader.ReadInt32(); images > 0; images--)
        {
            var id = reader.ReadInt64();
            var classes = new VocMatches[reader.ReadInt32()];
            for (var c = 0; c < classes.Length; c++)
                classes[c] = VocMatches.Read(reader);
            _images.Add((id, classes));
        }
    }

    private VocClass[] Classes()
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id)); // however many processes there were
        var matches = names.Select(_ => new List<(int, VocMatches)>()).ToArray();
        for (var i = 0; i < _images.Count; i++)
            foreach (var ofClass in _images[i].Classes)
                matches[ofClass.Label].Add((i, ofClass));
        return Array.ConvertAll(matches, ofClass => new VocClass(ofClass));
    }

    private (double Low, double High) Interval(VocClass[] classes, int rounds, long seed)
    {
        var times = new int[_images.Count];
        return Bootstrap.Intervals(
            _images.Count,
            rounds,
            seed,
            1,
            (drawn, values) =>
            {
                Array.Clear(times);
                foreach (var image in drawn)
                    times[image]++;
                values[0] = classes.Select(ofClass => ofClass.Measure(mode, times).Precision).MeanOfDefined();
            }
        )[0];
    }

    private MetricTable Table(VocClass[] classes)
    {
        var rows = classes.Select(
            (ofClass, c) =>
            {
                var (precision, recall) = ofClass.Measure(mode);
                var absent = ofClass.Objects == 0;
                return (IReadOnlyList<string>)
                    [names[c], Cells.Value(precision, absent), Cells.Value(recall, absent), Cells.Count(ofClass.Objects)];
            }
        );
        return new MetricTable("Per class", ["class", "AP", "recall", "objects"], [.. rows]);
    }
}
