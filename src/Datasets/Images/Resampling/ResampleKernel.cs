namespace Tessera.Datasets.Images.Resampling;

/// <summary>For each target position the run of source positions that it is made of, and their weights.</summary>
/// <remarks>
/// Follows Pillow's definition: the filter is stretched by the scale when shrinking (antialiasing), centred on the
/// target pixel's centre mapped into the source box, cut at the image's border and normalised to sum 1.
/// </remarks>
internal sealed class ResampleKernel
{
    internal ResampleKernel(int[] starts, int[] counts, int taps, double[] weights)
    {
        Starts = starts;
        Counts = counts;
        Taps = taps;
        Weights = weights;
    }

    /// <summary>First source position of each target position.</summary>
    public int[] Starts { get; }

    /// <summary>How many source positions each target position uses, at most <see cref="Taps"/>.</summary>
    public int[] Counts { get; }

    /// <summary>Room for weights per target position.</summary>
    public int Taps { get; }

    /// <summary>[target, Taps]; entries behind the count are 0.</summary>
    public double[] Weights { get; }

    public int Length => Starts.Length;

    /// <summary>First source position used by any target position.</summary>
    public int First => Starts[0];

    /// <summary>One past the last source position used.</summary>
    public int End
    {
        get
        {
            var end = 0;
            for (var i = 0; i < Starts.Length; i++)
                end = Math.Max(end, Starts[i] + Counts[i]);
            return end;
        }
    }

    /// <param name="sourceSize">Positions in the source.</param>
    /// <param name="from">Where the resampled part begins, in source positions.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="targetSize">Positions in the target.</param>
    /// <param name="antialias">Stretch the filter by the scale when shrinking.</param>
    public static ResampleKernel Create(int sourceSize, double from, double to, int targetSize, Interpolation interpolation, bool antialias)
    {
        var scale = (to - from) / targetSize;
        if (interpolation == Interpolation.Nearest)
            return Nearest(sourceSize, from, scale, targetSize);

        var (radius, filter) = Filter(interpolation);
        var stretch = antialias ? Math.Max(scale, 1.0) : 1.0;
        var support = radius * stretch;
        var taps = (int)Math.Min(Math.Ceiling(support) * 2 + 1, sourceSize);
        var starts = new int[targetSize];
        var counts = new int[targetSize];
        var weights = new double[(long)targetSize * taps];
        for (var x = 0; x < targetSize; x++)
        {
            var center = from + (x + 0.5) * scale;
            var first = Math.Clamp((int)(center - support + 0.5), 0, sourceSize - 1);
            var end = Math.Clamp((int)(center + support + 0.5), first + 1, sourceSize);
            var row = weights.AsSpan(x * taps, taps);
            var count = Math.Min(end - first, taps);
            var sum = 0.0;
            for (var k = 0; k < count; k++)
                sum += row[k] = filter((k + first - center + 0.5) / stretch);
            if (sum == 0)
                row[0] = sum = 1;
            for (var k = 0; k < count; k++)
                row[k] /= sum;
            starts[x] = first;
            counts[x] = count;
        }
        return new ResampleKernel(starts, counts, taps, weights);
    }

    private static ResampleKernel Nearest(int sourceSize, double from, double scale, int targetSize)
    {
        var starts = new int[targetSize];
        var counts = new int[targetSize];
        var weights = new double[targetSize];
        for (var x = 0; x < targetSize; x++)
            starts[x] = Math.Clamp((int)Math.Floor(from + (x + 0.5) * scale), 0, sourceSize - 1);
        Array.Fill(counts, 1);
        Array.Fill(weights, 1.0);
        return new ResampleKernel(starts, counts, 1, weights);
    }

    private static (double Radius, Func<double, double> Filter) Filter(Interpolation interpolation) =>
        interpolation switch
        {
            Interpolation.Box => (0.5, static x => x is > -0.5 and <= 0.5 ? 1 : 0),
            Interpolation.Bilinear => (1, static x => Math.Max(0, 1 - Math.Abs(x))),
            Interpolation.Hamming => (1, Hamming),
            Interpolation.Bicubic => (2, Bicubic),
            Interpolation.Lanczos => (3, static x => Math.Abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0),
            _ => throw new ArgumentOutOfRangeException(nameof(interpolation)),
        };

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    private static double Hamming(double x)
    {
        x = Math.Abs(x);
        return x < 1 ? Sinc(x) * (0.54 + 0.46 * Math.Cos(Math.PI * x)) : 0;
    }

    private static double Bicubic(double x)
    {
        const double a = -0.5;
        x = Math.Abs(x);
        if (x < 1)
            return ((a + 2) * x - (a + 3)) * x * x + 1;
        return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
    }
}
