using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Color;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

public class HsvTests
{
    [Fact]
    public void FromRgb_EqualsOpenCv()
    {
        var entry = Assert.Single(GeometryFixture.Cases("to hsv"));
        GeometryFixture.AssertAgrees(entry, Hsv.FromRgb(GeometryFixture.Source(entry)), 0);
    }

    [Fact]
    public void ToRgb_AgreesWithOpenCv()
    {
        var entry = Assert.Single(GeometryFixture.Cases("from hsv"));
        GeometryFixture.AssertAgrees(entry, Hsv.ToRgb(GeometryFixture.Source(entry)), 1);
    }

    [Fact]
    public void FromRgb_EveryColor_IsTheIntegerFormula()
    {
        // OpenCV's integers: reciprocals with 12 fraction bits.
        int[] saturation = [0, .. Enumerable.Range(1, 255).Select(i => (int)Math.Round((255 << 12) / (double)i))];
        int[] turn = [0, .. Enumerable.Range(1, 255).Select(i => (int)Math.Round((256 << 12) / (6.0 * i)))];
        var (rgb, hsv) = (new byte[256 * 256 * 3], new byte[256 * 256 * 3]);
        var wrong = 0;
        for (var red = 0; red < 256; red++)
        {
            for (var i = 0; i < 256 * 256; i++)
                (rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) = ((byte)red, (byte)(i >> 8), (byte)i);
            Hsv.FromRgb(rgb, hsv, Simd.Best);
            for (var i = 0; i < 256 * 256; i++)
            {
                var (green, blue) = (i >> 8, i & 255);
                var value = Math.Max(red, Math.Max(green, blue));
                var range = value - Math.Min(red, Math.Min(green, blue));
                var sixths =
                    value == red ? green - blue
                    : value == green ? blue - red + 2 * range
                    : red - green + 4 * range;
                var hue = (sixths * turn[range] + 2048) >> 12;
                if (
                    hsv[3 * i] != (hue < 0 ? hue + 256 : hue)
                    || hsv[3 * i + 1] != (range * saturation[value] + 2048) >> 12
                    || hsv[3 * i + 2] != value
                )
                    wrong++;
            }
        }
        Assert.Equal(0, wrong);
    }

    [Fact]
    public void ToRgb_IsTheFormula()
    {
        var hsv = ImageFixture.Noise(90, 110, 3);
        var rgb = Hsv.ToRgb(hsv).Bytes;
        for (var i = 0; i < rgb.Length; i += 3)
        {
            // The classical six cases.
            var (hue, saturation, value) = (hsv.Bytes[i] * 6 / 255.0 % 6, hsv.Bytes[i + 1] / 255.0, (double)hsv.Bytes[i + 2]);
            var part = hue - Math.Floor(hue);
            var (low, falling, rising) = (value * (1 - saturation), value * (1 - saturation * part), value * (1 - saturation * (1 - part)));
            var (red, green, blue) = (int)hue switch
            {
                0 => (value, rising, low),
                1 => (falling, value, low),
                2 => (low, value, rising),
                3 => (low, falling, value),
                4 => (rising, low, value),
                _ => (value, low, falling),
            };
            Assert.InRange(rgb[i] - red, -0.501, 0.501);
            Assert.InRange(rgb[i + 1] - green, -0.501, 0.501);
            Assert.InRange(rgb[i + 2] - blue, -0.501, 0.501);
        }
    }

    [Fact]
    public void EveryLevel_GivesTheSamePixels_AlsoInPlace()
    {
        foreach (var pixels in (int[])[1, 15, 16, 17, 31, 32, 100, 4099])
        {
            var source = ImageFixture.Noise(1, pixels, 3, seed: (ulong)pixels).Bytes;
            byte[] there = new byte[source.Length],
                back = new byte[source.Length];
            Hsv.FromRgb(source, there, SimdLevel.Scalar);
            Hsv.ToRgb(source, back, SimdLevel.Scalar);
            foreach (var level in GeometryFixture.Levels)
            {
                byte[] a = [.. source],
                    b = [.. source];
                Hsv.FromRgb(a, a, level);
                Hsv.ToRgb(b, b, level);
                Assert.Equal(there, a);
                Assert.Equal(back, b);
            }
        }
    }

    [Fact]
    public void FromRgb_OtherImages_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Hsv.FromRgb(new Image(2, 2, 1)));
        Assert.Throws<ArgumentException>(() => Hsv.ToRgb(new Image(2, 2, 3, PixelType.UInt16)));
    }
}
