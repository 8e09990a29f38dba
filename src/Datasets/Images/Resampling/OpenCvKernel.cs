using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Resampling;

/// <summary>The source positions and weights by which OpenCV's resize makes each target position.</summary>
/// <remarks>
/// Pixels are sampled, not averaged, but for <see cref="Interpolation.Box"/>, which is INTER_AREA. Nearest takes the pixel under the
/// target pixel's corner, not its centre. Positions outside repeat the border's pixel.
/// </remarks>
internal static class OpenCvKernel
{
    /// <summary>Parts of a pixel that area averaging leaves out.</summary>
    private const double Nothing = 1e-3;

    /// <param name="shrinks">The image becomes smaller, or stays, along both axes: what area averaging needs.</param>
    /// <exception cref="UserErrorException">OpenCV has no such filter.</exception>
    public static ResampleKernel Create(int sourceSize, int targetSize, Interpolation interpolation, bool shrinks)
    {
        var inverse = (double)targetSize / sourceSize;
        var scale = 1 / inverse; // rounded twice, as there: the nearest pixel depends on it
        return interpolation switch
        {
            Interpolation.Nearest => Sampled(sourceSize, targetSize, 1, x => Math.Floor(x * scale), static _ => 1),
            Interpolation.Bilinear => Sampled(sourceSize, targetSize, 2, Middle, Triangle),
            Interpolation.Bicubic => Sampled(sourceSize, targetSize, 4, Middle, OpenCvFilters.Cubic),
            Interpolation.Lanczos => Sampled(sourceSize, targetSize, 8, Middle, OpenCvFilters.Lanczos),
            Interpolation.Box when shrinks => Area(sourceSize, targetSize, scale),
            Interpolation.Box => Sampled(sourceSize, targetSize, 2, Overlap, Triangle),
            _ => throw new UserErrorException($"OpenCV has no {interpolation} filter. It has nearest, bilinear, bicubic, box and lanczos."),
        };

        // OpenCV keeps a place between two pixels as a float.
        double Middle(int x) => (float)((x + 0.5) * scale - 0.5);

        // Where an axis grows: how much of the target pixel lies over the source pixel behind the one it begins in.
        double Overlap(int x)
        {
            var first = Math.Floor(x * scale);
            var behind = x + 1 - (first + 1) * inverse;
            return first + (behind <= 0 ? 0 : behind - Math.Floor(behind));
        }
    }

    private static double Triangle(double x) => Math.Max(0, 1 - Math.Abs(x));

    /// <param name="taps">Pixels around a place that take part.</param>
    /// <param name="place">Of a target position; integers are the middles of source pixels.</param>
    private static ResampleKernel Sampled(int sourceSize, int targetSize, int taps, Func<int, double> place, Func<double, double> filter)
    {
        var (starts, counts, weights) = (new int[targetSize], new int[targetSize], new double[(long)targetSize * taps]);
        Span<double> samples = stackalloc double[taps];
        for (var x = 0; x < targetSize; x++)
        {
            var at = place(x);
            var first = (int)Math.Floor(at) - Math.Max(0, taps / 2 - 1);
            var sum = 0.0;
            for (var k = 0; k < taps; k++)
                sum += samples[k] = filter(first + k - at);
            starts[x] = Math.Clamp(first, 0, sourceSize - 1);
            counts[x] = Math.Clamp(first + taps - 1, 0, sourceSize - 1) - starts[x] + 1;
            for (var k = 0; k < taps; k++)
                weights[x * taps + Math.Clamp(first + k, 0, sourceSize - 1) - starts[x]] += samples[k] / sum;
        }
        return new ResampleKernel(starts, counts, taps, weights);
    }

    /// <summary>The mean of what a target pixel covers.</summary>
    private static ResampleKernel Area(int sourceSize, int targetSize, double scale)
    {
        var taps = (int)Math.Min(Math.Ceiling(scale) + 1, sourceSize);
        var (starts, counts, weights) = (new int[targetSize], new int[targetSize], new double[(long)targetSize * taps]);
        for (var x = 0; x < targetSize; x++)
        {
            var (from, to) = (x * scale, Math.Min((x + 1) * scale, sourceSize));
            var first = Math.Min((int)(from + Nothing), sourceSize - 1);
            var end = Math.Clamp((int)Math.Ceiling(to - Nothing), first + 1, Math.Min(first + taps, sourceSize));
            var sum = 0.0;
            for (var i = first; i < end; i++)
                sum += weights[x * taps + i - first] = Math.Max(Math.Min(to, i + 1) - Math.Max(from, i), 0);
            for (var i = first; i < end; i++)
                weights[x * taps + i - first] /= sum;
            (starts[x], counts[x]) = (first, end - first);
        }
        return new ResampleKernel(starts, counts, taps, weights);
    }
}
