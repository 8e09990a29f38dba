using Tessera.Datasets.Images.Resampling;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>An interpolation's weights at each of the 32 places within a pixel.</summary>
internal sealed class WarpWeights
{
    /// <summary>Places within a pixel.</summary>
    public const int Phases = 1 << WarpGrid.PhaseBits;

    /// <summary>Fraction bits of <see cref="Steps"/>. Sums over 8-bit pixels are exact as floats.</summary>
    public const int StepBits = 14;

    private static readonly WarpWeights Nearest = new(1, static (_, _) => 1);
    private static readonly WarpWeights Bilinear = new(2, static (x, tap) => tap == 0 ? 1 - x : x);
    private static readonly WarpWeights Bicubic = new(4, static (x, tap) => OpenCvFilters.Cubic(tap - 1 - x));
    private static readonly WarpWeights Lanczos = new(8, static (x, tap) => OpenCvFilters.Lanczos(tap - 3 - x));

    private WarpWeights(int taps, Func<double, int, double> weight)
    {
        Taps = taps;
        Exact = new float[Phases * taps];
        Stepped = new float[Phases * taps];
        Steps = new short[Phases * taps];
        Span<double> row = stackalloc double[taps];
        for (var phase = 0; phase < Phases; phase++)
        {
            var sum = 0.0;
            for (var k = 0; k < taps; k++)
                sum += row[k] = weight((double)phase / Phases, k);
            var steps = Steps.AsSpan(phase * taps, taps);
            var (left, largest) = (1 << StepBits, 0);
            for (var k = 0; k < taps; k++)
            {
                Exact[phase * taps + k] = (float)(row[k] / sum);
                left -= steps[k] = (short)Math.Round(row[k] / sum * (1 << StepBits));
                if (steps[k] > steps[largest])
                    largest = k;
            }
            steps[largest] += (short)left; // flat areas stay flat
            for (var k = 0; k < taps; k++)
                Stepped[phase * taps + k] = steps[k] / (float)(1 << StepBits);
        }
    }

    /// <summary>Weights along one axis.</summary>
    public int Taps { get; }

    /// <summary>Taps before the pixel that a place lies in.</summary>
    public int Before => Taps <= 1 ? 0 : Taps / 2 - 1;

    /// <summary>Taps behind it.</summary>
    public int After => Taps / 2;

    /// <summary>[Phases, Taps].</summary>
    public float[] Exact { get; }

    /// <summary>[Phases, Taps], in 1 / 2^<see cref="StepBits"/>.</summary>
    public short[] Steps { get; }

    /// <summary><see cref="Steps"/> as fractions of 1.</summary>
    public float[] Stepped { get; }

    public static WarpWeights For(Interpolation interpolation) =>
        interpolation switch
        {
            Interpolation.Nearest => Nearest,
            Interpolation.Bilinear => Bilinear,
            Interpolation.Bicubic => Bicubic,
            _ => Lanczos,
        };
}
