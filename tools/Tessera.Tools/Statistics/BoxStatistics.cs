using Tessera.Framework.Data;

namespace Tessera.Tools.Statistics;

/// <summary>Counts over the boxes of one part of the data.</summary>
internal sealed class BoxStatistics
{
    /// <summary>COCO's bounds between small, medium and large, in pixels².</summary>
    public const double Small = 32 * 32,
        Large = 96 * 96;

    /// <summary>Two boxes of one class that overlap by more are taken for one object annotated twice.</summary>
    public const double DuplicateOverlap = 0.95;

    private readonly List<double> _widths = [],
        _heights = [];

    public BoxStatistics(int classes, IReadOnlyList<SampleFacts> samples)
    {
        PerClass = new long[classes];
        foreach (var sample in samples)
        {
            PerImage.Add(sample.Boxes?.Count ?? 0);
            if (sample.Boxes is not { } boxes)
                continue;
            var sizes = BoxGeometry.FromCorners(boxes.Corners);
            for (var i = 0; i < boxes.Count; i++)
            {
                float x1 = boxes.Corners[4 * i],
                    y1 = boxes.Corners[4 * i + 1],
                    x2 = boxes.Corners[4 * i + 2],
                    y2 = boxes.Corners[4 * i + 3];
                var label = boxes.Labels[i];
                if (label < 0 || label >= classes)
                    OtherClass.Add(sample.Name);
                else
                    PerClass[label]++;
                if (boxes.Ignored[i])
                    Ignored++;
                if (!float.IsFinite(x1 + y1 + x2 + y2) || x2 <= x1 || y2 <= y1)
                {
                    Degenerate.Add(sample.Name);
                    continue;
                }
                if (sample.Height > 0 && (x1 < 0 || y1 < 0 || x2 > sample.Width || y2 > sample.Height))
                    Outside.Add(sample.Name);
                for (var j = 0; j < i; j++)
                    if (boxes.Labels[j] == label && BoxGeometry.IoU(sizes.AsSpan(4 * i, 4), sizes.AsSpan(4 * j, 4)) > DuplicateOverlap)
                        Duplicate.Add(sample.Name);
                _widths.Add(x2 - x1);
                _heights.Add(y2 - y1);
                var area = (double)(x2 - x1) * (y2 - y1);
                BySize[
                    area < Small ? 0
                    : area < Large ? 1
                    : 2
                ]++;
            }
        }
    }

    public long[] PerClass { get; }

    public List<int> PerImage { get; } = [];

    /// <summary>Small, medium, large.</summary>
    public long[] BySize { get; } = new long[3];

    public long Ignored { get; private set; }

    public long Count => PerClass.Sum();

    /// <summary>Images with boxes of no extent, or not finite; a name for each box.</summary>
    public List<string> Degenerate { get; } = [];

    /// <summary>Images with boxes that leave them.</summary>
    public List<string> Outside { get; } = [];

    /// <summary>Images with an object boxed twice.</summary>
    public List<string> Duplicate { get; } = [];

    /// <summary>Images with a box of a class that there isn't.</summary>
    public List<string> OtherClass { get; } = [];

    public Spread Widths => Spread.Of(_widths);

    public Spread Heights => Spread.Of(_heights);

    /// <summary>Height over width.</summary>
    public Spread Ratios => Spread.Of(_widths.Zip(_heights, (width, height) => height / width));

    public Spread BoxesPerImage => Spread.Of(PerImage.Select(count => (double)count));
}

/// <summary>How values are spread: the nearest value at each rank.</summary>
internal sealed record Spread(double Least, double Tenth, double Median, double Ninetieth, double Greatest)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0
            ? new(double.NaN, double.NaN, double.NaN, double.NaN, double.NaN)
            : new(At(0), At(0.1), At(0.5), At(0.9), At(1));

        double At(double share) => sorted[(int)Math.Round(share * (sorted.Length - 1))];
    }
}
