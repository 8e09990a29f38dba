using Tessera.Models.Losses;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses;

/// <summary>Losses of maps from their definitions: loops over pixels, in doubles.</summary>
internal static class PixelDefinitions
{
    internal const int Classes = 4;

    internal static readonly double[] s_weight = [1, 2, 0.5, 3];

    /// <summary>Probabilities of all classes at a pixel, and its label.</summary>
    internal sealed record Pixel(int Image, int Y, int X, double[] P, long Label)
    {
        public double Truth => P[Label];
    }

    internal sealed class Example
    {
        private readonly List<Pixel> _pixels = [];

        public Example(double[,,,] logits, long[,,] labels, bool sigmoid)
        {
            (Height, Width) = (labels.GetLength(1), labels.GetLength(2));
            for (var b = 0; b < labels.GetLength(0); b++)
            {
                for (var y = 0; y < Height; y++)
                {
                    for (var x = 0; x < Width; x++)
                    {
                        var raised = Enumerable.Range(0, Classes).Select(c => Math.Exp(logits[b, c, y, x])).ToArray();
                        _pixels.Add(new Pixel(b, y, x, [.. raised.Select(e => sigmoid ? e / (1 + e) : e / raised.Sum())], labels[b, y, x]));
                    }
                }
            }
        }

        public int Height { get; }

        public int Width { get; }

        /// <summary>All of them, ignored ones too.</summary>
        public int Pixels => _pixels.Count;

        public Pixel[] Valid() => [.. _pixels.Where(pixel => pixel.Label != 255)];

        public Pixel At(int image, int y, int x) => _pixels[(((image * Height) + y) * Width) + x];

        public double Mean(Func<Pixel, double> value, double[]? weight = null) =>
            Valid().Sum(pixel => value(pixel) * (weight?[pixel.Label] ?? 1)) / Valid().Sum(pixel => weight?[pixel.Label] ?? 1);
    }

    internal static Pixel[] OhemKept(Example e, double thresh, int least) =>
        [.. e.Valid().OrderBy(pixel => pixel.Truth).Where((pixel, rank) => rank < least || pixel.Truth < thresh)];

    /// <summary>The weighted sum over the weights of all pixels, 1 for those that are ignored.</summary>
    internal static double Weighted(Example e, Func<Pixel, double> value) =>
        e.Valid().Sum(pixel => value(pixel) * s_weight[pixel.Label])
        / (e.Valid().Sum(pixel => s_weight[pixel.Label]) + e.Pixels - e.Valid().Length);

    internal static double Ohem(Example e, double thresh, int least, double[]? weight)
    {
        var kept = OhemKept(e, thresh, least);
        return kept.Sum(pixel => -Math.Log(pixel.Truth) * (weight?[pixel.Label] ?? 1)) / kept.Sum(pixel => weight?[pixel.Label] ?? 1);
    }

    internal static double OverImages(Example e, Func<Pixel[], double> value) =>
        e.Valid().GroupBy(pixel => pixel.Image).Average(image => value([.. image]));

    internal static double Lovasz(Pixel[] pixels, ClassChoice choice, double[]? weight)
    {
        var (sum, whole) = (0.0, 0.0);
        for (var c = 0; c < Classes; c++)
        {
            var count = pixels.Count(pixel => pixel.Label == c);
            if (count == 0 && choice == ClassChoice.Present)
                continue;
            var errors = pixels
                .Select(pixel => (Error: Math.Abs((pixel.Label == c ? 1 : 0) - pixel.P[c]), Is: pixel.Label == c))
                .OrderByDescending(pixel => pixel.Error)
                .ToArray();
            var (before, others, missed, value) = (0.0, 0, 0, 0.0);
            foreach (var (error, isClass) in errors)
            {
                if (isClass)
                    missed++;
                else
                    others++;
                var jaccard = 1 - ((double)(count - missed) / (count + others)); // wrong at all pixels so far, right at the rest
                value += error * (jaccard - before);
                before = jaccard;
            }
            sum += value * (weight?[c] ?? 1);
            whole += weight?[c] ?? 1;
        }
        return sum / whole;
    }

    internal static double Region(Pixel[] pixels, Func<Pixel[], int, double> value, ClassChoice choice, double[]? weight)
    {
        var chosen = Enumerable.Range(0, Classes).Where(c => choice == ClassChoice.All || pixels.Any(pixel => pixel.Label == c)).ToArray();
        return chosen.Sum(c => value(pixels, c) * (weight?[c] ?? 1)) / chosen.Sum(c => weight?[c] ?? 1);
    }

    internal static Func<Pixel[], int, double> Dice(double smooth, bool squared) =>
        (pixels, c) =>
            1
            - (
                ((2 * pixels.Where(pixel => pixel.Label == c).Sum(pixel => pixel.P[c])) + smooth)
                / (pixels.Sum(pixel => squared ? pixel.P[c] * pixel.P[c] : pixel.P[c]) + pixels.Count(pixel => pixel.Label == c) + smooth)
            );

    internal static Func<Pixel[], int, double> Tversky(double gamma) =>
        (pixels, c) =>
        {
            var both = pixels.Where(pixel => pixel.Label == c).Sum(pixel => pixel.P[c]);
            var falsePositives = pixels.Where(pixel => pixel.Label != c).Sum(pixel => pixel.P[c]);
            var falseNegatives = pixels.Where(pixel => pixel.Label == c).Sum(pixel => 1 - pixel.P[c]);
            return Math.Pow(1 - ((both + 1) / (both + (0.3 * falsePositives) + (0.7 * falseNegatives) + 1)), gamma);
        };

    internal static double Boundary(Example e, double[]? weight, double scale)
    {
        var sum = 0.0;
        foreach (var image in e.Valid().GroupBy(pixel => pixel.Image))
        {
            for (var c = 0; c < Classes; c++)
            {
                var (inside, outside) = (
                    image.Where(pixel => pixel.Label == c).ToArray(),
                    image.Where(pixel => pixel.Label != c).ToArray()
                );
                if (inside.Length == 0 || outside.Length == 0)
                    continue;
                sum += inside.Sum(pixel => pixel.P[c] * (1 - Nearest(pixel, outside))) * scale * (weight?[c] ?? 1);
                sum += outside.Sum(pixel => pixel.P[c] * Nearest(pixel, inside)) * scale * (weight?[c] ?? 1);
            }
        }
        return sum / (e.Valid().Length * Classes);

        static double Nearest(Pixel pixel, Pixel[] others) =>
            others.Min(other => Math.Sqrt(((pixel.X - other.X) * (pixel.X - other.X)) + ((pixel.Y - other.Y) * (pixel.Y - other.Y))));
    }
}
