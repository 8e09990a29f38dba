using System.Numerics;
using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

public class AffineWarpTests
{
    private static readonly Interpolation[] All =
    [
        Interpolation.Nearest,
        Interpolation.Bilinear,
        Interpolation.Bicubic,
        Interpolation.Lanczos,
    ];

    public static TheoryData<Interpolation> Filters => new(All);

    [Theory]
    [MemberData(nameof(Filters))]
    public void Warp_AgreesWithOpenCv(Interpolation filter)
    {
        var cases = GeometryFixture.Cases("warp").Where(entry => GeometryFixture.Filter(entry) == filter).ToArray();
        Assert.Equal(10, cases.Length);
        foreach (var entry in cases)
        {
            var m = entry.GetProperty("map").EnumerateArray().Select(value => value.GetSingle()).ToArray();
            double[] fill = [.. entry.GetProperty("fill").EnumerateArray().Select(value => value.GetDouble())];
            var source = GeometryFixture.Source(entry);
            foreach (var level in GeometryFixture.Levels)
            {
                var actual = AffineWarp.Warp(source, new Matrix3x2(m[0], m[1], m[2], m[3], m[4], m[5]), 27, 33, filter, fill, level);
                var identical = filter == Interpolation.Nearest || (filter == Interpolation.Bilinear && source.Type == PixelType.UInt8);
                GeometryFixture.AssertAgrees(entry, actual, identical ? 0 : 1);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Warp_OfNoise_IsTheDefinitionAtThirtySecondsOfAPixel(Interpolation filter)
    {
        var random = new RandomSource(3);
        var (compared, all) = (0, 0);
        for (var round = 0; round < 24; round++)
        {
            var (image, map) = (
                ImageFixture.Noise(random.Next(1, 30), random.Next(1, 40), 1 + round % 5, seed: (ulong)round + 1),
                RandomMap(random)
            );
            var (height, width) = (random.Next(1, 40), random.Next(1, 50));
            double[] fill = [.. Enumerable.Range(0, image.Channels).Select(c => 50.0 * c)];
            var actual = AffineWarp.Warp(image, map, height, width, filter, fill);
            var i = 0;
            for (var y = 0; y < height; y++)
            {
                for (var x = 0; x < width; x++)
                {
                    // Places so close to the middle between two steps that OpenCV's rounding may choose the other are left out.
                    var (atX, atY) = Place(map, x, y);
                    var (snappedX, snappedY) = (Snap(atX, filter), Snap(atY, filter));
                    for (var c = 0; c < image.Channels; c++, i++)
                    {
                        if (snappedX is not { } sourceX || snappedY is not { } sourceY)
                            continue;
                        compared++;
                        Assert.InRange(
                            actual.Bytes[i] - Math.Clamp(Mixed(image, sourceX, sourceY, c, filter, fill[c]), 0, 255),
                            -0.52,
                            0.52
                        );
                    }
                }
            }
            all += actual.Bytes.Length;
        }
        Assert.InRange(compared, 0.8 * all, all);
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Warp_OfSlowWaves_IsTheDefinitionAtExactPlaces(Interpolation filter)
    {
        var image = GeometryFixture.Waves(60, 80, 3);
        var map = Matrix3x2.CreateScale(1.3f) * Matrix3x2.CreateRotation(0.2f, new Vector2(40, 30));
        var actual = AffineWarp.Warp(image, map, 50, 70, filter, [0]);
        for (var i = 0; i < actual.Bytes.Length; i++)
        {
            var (x, y) = Place(map, i / 3 % 70, i / 3 / 70);
            if (x < 4 || y < 4 || x > 75 || y > 55)
                continue;
            // Neighbours differ by at most 5 levels; a place is off by half a step of 1/32 along both axes, by half a pixel for nearest.
            var off = filter == Interpolation.Nearest ? 5 : 0.52 + 5.5 / 32;
            Assert.InRange(
                actual.Bytes[i] - Mixed(image, x, y, i % 3, filter == Interpolation.Nearest ? Interpolation.Bilinear : filter, 0),
                -off,
                off
            );
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Warp_EveryLevel_GivesTheSamePixels(Interpolation filter)
    {
        var random = new RandomSource(5);
        for (var round = 0; round < 40; round++)
        {
            var type = (PixelType)(round % 3);
            var image = ImageFixture.Noise(random.Next(1, 30), random.Next(1, 40), random.Next(1, 6), type, (ulong)round + 1);
            var (map, height, width) = (RandomMap(random), random.Next(1, 40), random.Next(1, 50));
            var plain = AffineWarp.Warp(image, map, height, width, filter, [9], SimdLevel.Scalar);
            foreach (var level in GeometryFixture.Levels)
                Assert.Equal(plain.Bytes, AffineWarp.Warp(image, map, height, width, filter, [9], level).Bytes);
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Warp_ByTheIdentity_ChangesNothing(Interpolation filter)
    {
        foreach (var type in Enum.GetValues<PixelType>())
        {
            var image = ImageFixture.Noise(19, 23, 3, type);
            Assert.Equal(image.Bytes, AffineWarp.Warp(image, Matrix3x2.Identity, 19, 23, filter, [0]).Bytes);
        }
    }

    [Fact]
    public void Warp_Labels_ArePickedNotMixed()
    {
        var labels = new Image(40, 50, 1);
        for (var i = 0; i < labels.Bytes.Length; i++)
            labels.Bytes[i] = (byte)(i / 7 % 3 * 90);
        var turned = AffineWarp.Warp(labels, Matrix3x2.CreateRotation(0.7f, new Vector2(25, 20)), 40, 50, Interpolation.Nearest, [255]);
        Assert.Equal<byte>([0, 90, 180, 255], [.. turned.Bytes.Distinct().Order()]);
    }

    [Fact]
    public void Warp_FarAway_IsAllFill()
    {
        var image = ImageFixture.Noise(8, 8, 3);
        Matrix3x2[] maps =
        [
            Matrix3x2.CreateTranslation(1e7f, 0),
            Matrix3x2.CreateTranslation(0, -3e30f),
            Matrix3x2.CreateScale(1e-6f) * Matrix3x2.CreateTranslation(-5, 0),
        ];
        foreach (var map in maps)
        {
            foreach (var filter in All)
                Assert.All(AffineWarp.Warp(image, map, 5, 6, filter, [17]).Bytes, value => Assert.Equal(17, value));
        }
    }

    [Fact]
    public void Warp_WhatCannotBe_IsRefused()
    {
        var image = ImageFixture.Noise(8, 8, 3);
        Assert.Throws<ArgumentException>(() => AffineWarp.Warp(image, new Matrix3x2(1, 2, 2, 4, 0, 0), 8, 8, Interpolation.Nearest, [0]));
        Assert.Throws<ArgumentException>(() =>
            AffineWarp.Warp(image, Matrix3x2.CreateTranslation(float.NaN, 0), 8, 8, Interpolation.Nearest, [0])
        );
        Assert.Throws<ArgumentException>(() =>
            AffineWarp.Warp(image, new Matrix3x2(float.NaN, 0, 0, 1, 0, 0), 8, 8, Interpolation.Nearest, [0])
        );
        Assert.Throws<ArgumentException>(() => AffineWarp.Warp(image, Matrix3x2.Identity, 8, 8, Interpolation.Nearest, [0, 1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => AffineWarp.Warp(image, Matrix3x2.Identity, 0, 8, Interpolation.Nearest, [0]));
        var error = Assert.Throws<UserErrorException>(() => AffineWarp.Warp(image, Matrix3x2.Identity, 8, 8, Interpolation.Hamming, [0]));
        Assert.Equal("An image can't be turned by the Hamming filter. There are nearest, bilinear, bicubic and lanczos.", error.Message);
    }

    private static Matrix3x2 RandomMap(RandomSource random)
    {
        float Uniform(double low, double high) => (float)random.Uniform(low, high);
        return Matrix3x2.CreateTranslation(Uniform(-30, 0), Uniform(-20, 0))
            * Matrix3x2.CreateRotation(Uniform(-3.2, 3.2))
            * Matrix3x2.CreateScale(Uniform(0.4, 2.5), Uniform(0.4, 2.5))
            * Matrix3x2.CreateSkew(Uniform(-0.3, 0.3), 0)
            * Matrix3x2.CreateTranslation(Uniform(0, 30), Uniform(0, 30));
    }

    /// <summary>Where a target pixel's centre comes from, in indices of source pixels.</summary>
    private static (double X, double Y) Place(Matrix3x2 map, int x, int y)
    {
        // Cramer's rule on map(source) = target, in double precision.
        double a = map.M11,
            b = map.M12,
            c = map.M21,
            d = map.M22,
            p = x + 0.5 - map.M31,
            q = y + 0.5 - map.M32;
        var determinant = a * d - b * c;
        return ((d * p - c * q) / determinant - 0.5, (a * q - b * p) / determinant - 0.5);
    }

    private static double? Snap(double place, Interpolation filter)
    {
        var steps = filter == Interpolation.Nearest ? 1 : 32;
        var scaled = place * steps;
        return Math.Abs(scaled - Math.Floor(scaled) - 0.5) < 1.1 * steps / 1024 ? null : Math.Round(scaled) / steps;
    }

    private static double Mixed(Image image, double x, double y, int c, Interpolation filter, double fill)
    {
        var radius = filter switch
        {
            Interpolation.Nearest => 0,
            Interpolation.Bilinear => 1,
            Interpolation.Bicubic => 2,
            _ => 4,
        };
        var (left, top) = ((int)Math.Floor(x) - Math.Max(0, radius - 1), (int)Math.Floor(y) - Math.Max(0, radius - 1));
        var (sum, weights) = (0.0, 0.0);
        for (var j = top; j < top + Math.Max(1, 2 * radius); j++)
        {
            for (var i = left; i < left + Math.Max(1, 2 * radius); i++)
            {
                var weight = Weight(x - i, filter) * Weight(y - j, filter);
                var value =
                    i >= 0 && j >= 0 && i < image.Width && j < image.Height
                        ? image.Bytes[(j * image.Width + i) * image.Channels + c]
                        : fill;
                (sum, weights) = (sum + weight * value, weights + weight);
            }
        }
        return sum / weights;
    }

    private static double Weight(double distance, Interpolation filter)
    {
        var x = Math.Abs(distance);
        static double Sinc(double t) => t == 0 ? 1 : Math.Sin(Math.PI * t) / (Math.PI * t);
        return filter switch
        {
            Interpolation.Nearest => 1,
            Interpolation.Bilinear => 1 - x,
            Interpolation.Bicubic when x <= 1 => 1.25 * x * x * x - 2.25 * x * x + 1,
            Interpolation.Bicubic => -0.75 * x * x * x + 3.75 * x * x - 6 * x + 3,
            _ => Sinc(x) * Sinc(x / 4),
        };
    }
}
