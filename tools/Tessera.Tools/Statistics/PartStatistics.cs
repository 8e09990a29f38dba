using Tessera.Framework.Data;

namespace Tessera.Tools.Statistics;

/// <summary>A value that no class claims.</summary>
internal sealed record UnclaimedValue(string Value, long Pixels, int Images, string First);

/// <summary>The counts of one part of the data: train, val or test.</summary>
internal sealed class PartStatistics
{
    public PartStatistics(string name, DataInfo info, IReadOnlyList<LeftOut> leftOut, IReadOnlyList<SampleFacts> samples)
    {
        (Name, Info, LeftOut, Samples) = (name, info, leftOut, samples);
        Readable = [.. samples.Where(sample => sample.Unreadable is null)];
        var classes = info.Classes.Count;
        (Images, Pixels, Among) = (new long[classes], new long[classes], new long[classes]);
        foreach (var sample in samples)
        {
            var labels = sample.Boxes is { } boxes && info.Task == DataTask.Detection ? boxes.Labels.Distinct() : sample.Labels ?? [];
            foreach (var label in labels)
                if (label >= 0 && label < classes)
                    Images[label]++;
            if (sample.Map is not { } map)
                continue;
            IgnoredPixels += map.Ignored;
            var counted = map.Pixels.Sum();
            for (var c = 0; c < classes; c++)
            {
                if (map.Pixels[c] == 0)
                    continue;
                Pixels[c] += map.Pixels[c];
                Images[c] += sample.Labels is null ? 1 : 0; // otherwise counted above
                Among[c] += counted;
            }
        }
        Unclaimed =
        [
            .. samples
                .Where(sample => sample.Map is not null)
                .SelectMany(sample => sample.Map!.Unclaimed.Select(value => (value.Key, value.Value, sample.Name)))
                .GroupBy(value => value.Key)
                .Select(group => new UnclaimedValue(group.Key, group.Sum(value => value.Value), group.Count(), group.First().Name))
                .OrderByDescending(value => value.Pixels),
        ];
        if (info.Task == DataTask.Detection)
            Boxes = new BoxStatistics(info.Classes.Count, samples);
    }

    public string Name { get; }

    public DataInfo Info { get; }

    public IReadOnlyList<SampleFacts> Samples { get; }

    /// <summary>What the data set passed over.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; }

    public IReadOnlyList<SampleFacts> Readable { get; }

    /// <summary>Images that show the class.</summary>
    public long[] Images { get; }

    /// <summary>Pixels of the class.</summary>
    public long[] Pixels { get; }

    /// <summary>Labelled pixels of the images that show the class.</summary>
    public long[] Among { get; }

    public long IgnoredPixels { get; }

    public IReadOnlyList<UnclaimedValue> Unclaimed { get; }

    public BoxStatistics? Boxes { get; }

    /// <summary>What weights are made from: pixels, boxes or images.</summary>
    public long[] Counts =>
        Info.Task switch
        {
            DataTask.Segmentation => Pixels,
            DataTask.Detection => Boxes!.PerClass,
            _ => Images,
        };

    public IEnumerable<SampleFacts> WithoutLabels => Samples.Where(sample => sample.Map is { Missing: not null });

    public IEnumerable<SampleFacts> UnreadableLabels => Samples.Where(sample => sample.Map is { Unreadable: not null });

    /// <summary>Label images of another size than their photograph.</summary>
    public IEnumerable<SampleFacts> OtherSize =>
        Readable.Where(sample =>
            sample.Map is { Missing: null, Unreadable: null } map && (map.Height != sample.Height || map.Width != sample.Width)
        );

    /// <summary>Label images without a single pixel that counts.</summary>
    public IEnumerable<SampleFacts> OnlyIgnored =>
        Samples.Where(sample => sample.Map is { Missing: null, Unreadable: null } map && map.Pixels.All(count => count == 0));

    /// <summary>Of the classes that occur: how much more frequent the most frequent is than the rarest.</summary>
    public double Ratio =>
        Counts.Where(count => count > 0).ToArray() is { Length: > 0 } seen ? (double)seen.Max() / seen.Min() : double.NaN;
}
