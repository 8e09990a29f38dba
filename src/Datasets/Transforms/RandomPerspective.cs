using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="DistortionScale">How far a corner gets at most, of the way to the middle.</param>
/// <param name="Prob">How often the image is tilted.</param>
/// <param name="Interpolation">nearest, bilinear or bicubic; labels and masks are always picked (nearest).</param>
/// <param name="PadVal">What lies outside: one value, or one per channel. By default 0.</param>
public sealed record RandomPerspectiveOptions(
    [property: Range(0.0, 1.0)] double DistortionScale = 0.5,
    [property: Range(0.0, 1.0)] double Prob = 0.5,
    Interpolation Interpolation = Interpolation.Bilinear,
    double[]? PadVal = null
);

/// <summary>Moves each corner of the image inwards by chance, as if it were seen from aside. Boxes, masks and maps follow; boxes are
/// those around the moved corners.</summary>
/// <remarks>torchvision's RandomPerspective on images of Pillow, pixel for pixel at the same coefficients. It solves for them in single
/// precision, here in double. Corners that would turn the image inside out, which come with a scale above 2/3, are drawn anew.
/// Predictions can't be mapped back.</remarks>
[Component("RandomPerspective")]
public sealed class RandomPerspective : Transform
{
    private const int Attempts = 100;

    private readonly RandomPerspectiveOptions _options;
    private readonly double[] _fill;

    public RandomPerspective(RandomPerspectiveOptions options)
    {
        PillowWarp.RequireKnown(options.Interpolation);
        (_options, _fill) = (options, options.PadVal ?? [0]);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (x, y) = ((int)(_options.DistortionScale * (width / 2)), (int)(_options.DistortionScale * (height / 2)));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            (double, double)[] corners =
            [
                (random.Next(x + 1), random.Next(y + 1)),
                (width - 1 - random.Next(x + 1), random.Next(y + 1)),
                (width - 1 - random.Next(x + 1), height - 1 - random.Next(y + 1)),
                (random.Next(x + 1), height - 1 - random.Next(y + 1)),
            ];
            if (!IsConvex(corners) || Back(corners, height, width) is not { } back || !IsBefore(back.Inverse(), height, width))
                continue;
            Apply(sample, back);
            break;
        }
        return sample;
    }

    /// <summary>The map for corners (upper left, upper right, lower right, lower left) as drawn.</summary>
    internal static WayBack? Back((double X, double Y)[] corners, int height, int width) =>
        WayBack.Between(corners, [(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)]);

    internal void Apply(Sample sample, WayBack back)
    {
        var forward = back.Inverse();
        SampleGeometry.Bend(
            sample,
            (image, kind) =>
                PillowWarp.Warp(
                    image,
                    back,
                    image.Height,
                    image.Width,
                    SampleGeometry.For(kind, _options.Interpolation),
                    Padding.Pixel(image, SampleGeometry.Fill(image, kind, _fill))
                ),
            (box, moved) => Enclose(box, forward, moved)
        );
    }

    private static void Enclose(ReadOnlySpan<float> box, in WayBack forward, Span<float> moved)
    {
        (moved[0], moved[1], moved[2], moved[3]) = (float.MaxValue, float.MaxValue, float.MinValue, float.MinValue);
        for (var corner = 0; corner < 4; corner++)
        {
            var (x, y) = forward.Of(box[corner % 2 * 2], box[corner / 2 * 2 + 1]);
            (moved[0], moved[1]) = (Math.Min(moved[0], (float)x), Math.Min(moved[1], (float)y));
            (moved[2], moved[3]) = (Math.Max(moved[2], (float)x), Math.Max(moved[3], (float)y));
        }
    }

    /// <summary>Whether no part of the image is sent to infinity or beyond.</summary>
    private static bool IsBefore(in WayBack forward, int height, int width) =>
        (forward.G * width) + 1 > 0 && (forward.H * height) + 1 > 0 && (forward.G * width) + (forward.H * height) + 1 > 0;

    /// <summary>Whether one turns to the same side at all corners.</summary>
    private static bool IsConvex(ReadOnlySpan<(double X, double Y)> corners)
    {
        for (var i = 0; i < 4; i++)
        {
            var ((ax, ay), (bx, by), (cx, cy)) = (corners[i], corners[(i + 1) % 4], corners[(i + 2) % 4]);
            if (((bx - ax) * (cy - by)) - ((by - ay) * (cx - bx)) <= 0)
                return false;
        }
        return true;
    }
}
