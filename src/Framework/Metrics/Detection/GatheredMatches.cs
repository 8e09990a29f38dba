namespace Tessera.Framework.Metrics.Detection;

/// <summary>Every image's matches by class, and what is computed of them for all images.</summary>
/// <param name="classes">How many there are.</param>
internal sealed class GatheredMatches(int classes)
{
    private readonly List<(long Id, ClassMatches[] Classes)> _images = [];

    public int Images => _images.Count;

    /// <param name="id">The image's: images are ranked by it, however many processes there were.</param>
    public void Add(long id, ClassMatches[] matches) => _images.Add((id, matches));

    /// <summary>What was gathered, by class.</summary>
    public CocoClass[] Classes()
    {
        _images.Sort((a, b) => a.Id.CompareTo(b.Id));
        var matches = new List<(int, ClassMatches)>[classes];
        for (var c = 0; c < classes; c++)
            matches[c] = [];
        for (var i = 0; i < _images.Count; i++)
            foreach (var ofClass in _images[i].Classes)
                matches[ofClass.Label].Add((i, ofClass));
        return Array.ConvertAll(matches, ofClass => new CocoClass(ofClass));
    }

    /// <summary>A mean over classes by images drawn anew.</summary>
    /// <param name="counts">Whether a class counts; null: all.</param>
    /// <param name="of">Of a class's precisions at each IoU threshold.</param>
    public Func<int[], double> Redraws(Func<double[], double> of, Func<int, bool>? counts = null)
    {
        var (drawn, precision) = (Classes(), new double[CocoMatcher.Thresholds]);
        return times =>
            drawn
                .Where((_, c) => counts is null || counts(c))
                .Select(ofClass => ofClass.Redraw(times, precision) ? of(precision) : double.NaN)
                .MeanOfDefined();
    }

    /// <summary>Of AP, AP50 and AP75; null for other names.</summary>
    /// <param name="prefix">What the values' names begin with.</param>
    public Func<int[], double>? Redraws(string prefix, string name) =>
        name == $"{prefix}/AP" ? Redraws(precision => precision.Average())
        : name == $"{prefix}/AP50" ? Redraws(precision => precision[0])
        : name == $"{prefix}/AP75" ? Redraws(precision => precision[5])
        : null;

    /// <summary>95 % intervals of AP and AP50 over images drawn anew.</summary>
    /// <param name="prefix">What the values' names begin with.</param>
    public void AddIntervals(Dictionary<string, double> values, string prefix, CocoClass[] drawn, int rounds, long seed)
    {
        var times = new int[_images.Count];
        var precision = new double[CocoMatcher.Thresholds];
        var intervals = Bootstrap.Intervals(
            _images.Count,
            rounds,
            seed,
            2,
            (chosen, results) =>
            {
                Array.Clear(times);
                foreach (var image in chosen)
                    times[image]++;
                var (defined, ap, ap50) = (0, 0.0, 0.0);
                foreach (var ofClass in drawn)
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
        (values[$"{prefix}/AP/low"], values[$"{prefix}/AP/high"]) = intervals[0];
        (values[$"{prefix}/AP50/low"], values[$"{prefix}/AP50/high"]) = intervals[1];
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(_images.Count);
        foreach (var (id, matches) in _images)
        {
            writer.Write(id);
            writer.Write(matches.Length);
            foreach (var (label, objects, detections) in matches)
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
            var matches = new ClassMatches[reader.ReadInt32()];
            for (var c = 0; c < matches.Length; c++)
            {
                var (label, objects) = (reader.ReadInt32(), new int[CocoMatcher.Areas]);
                for (var area = 0; area < objects.Length; area++)
                    objects[area] = reader.ReadInt32();
                var detections = new CocoMatch[reader.ReadInt32()];
                for (var d = 0; d < detections.Length; d++)
                    detections[d] = new CocoMatch(reader.ReadDouble(), reader.ReadUInt64(), reader.ReadUInt64());
                matches[c] = new ClassMatches(label, objects, detections);
            }
            _images.Add((id, matches));
        }
    }
}
