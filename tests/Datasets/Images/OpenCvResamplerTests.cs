using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Images;

public class OpenCvResamplerTests
{
    private static readonly Interpolation[] All =
    [
        Interpolation.Nearest,
        Interpolation.Bilinear,
        Interpolation.Bicubic,
        Interpolation.Box,
        Interpolation.Lanczos,
    ];

    public static TheoryData<Interpolation> Filters => new(All);

    [Theory]
    [MemberData(nameof(Filters))]
    public void Resize_AgreesWithOpenCvWithinOneLevel(Interpolation filter)
    {
        var cases = GeometryFixture.Cases("resize").Where(entry => GeometryFixture.Filter(entry) == filter).ToArray();
        Assert.Equal(14, cases.Length);
        foreach (var entry in cases)
        {
            foreach (var level in GeometryFixture.Levels)
            {
                var (height, width) = (entry.GetProperty("height").GetInt32(), entry.GetProperty("width").GetInt32());
                var actual = OpenCvResampler.Resize(GeometryFixture.Source(entry), height, width, filter, level);
                GeometryFixture.AssertAgrees(entry, actual, filter == Interpolation.Nearest ? 0 : 1);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public void Resize_EveryLevel_GivesTheSamePixelsAndAgreesWithFloats(Interpolation filter)
    {
        var random = new RandomSource(11);
        for (var round = 0; round < 40; round++)
        {
            var (oldHeight, oldWidth, channels) = (random.Next(1, 40), random.Next(1, 50), 1 + round % 5);
            var (height, width) = (random.Next(1, 60), random.Next(1, 60));
            var image = ImageFixture.Noise(oldHeight, oldWidth, channels, seed: (ulong)round + 1);
            var floats = new Image(oldHeight, oldWidth, channels, PixelType.Float32);
            for (var i = 0; i < image.Bytes.Length; i++)
                floats.Pixels<float>()[i] = image.Bytes[i];
            var exact = OpenCvResampler.Resize(floats, height, width, filter).Pixels<float>().ToArray();
            var plain = OpenCvResampler.Resize(image, height, width, filter, SimdLevel.Scalar).Bytes;
            foreach (var level in GeometryFixture.Levels)
                Assert.Equal(plain, OpenCvResampler.Resize(image, height, width, filter, level).Bytes);
            for (var i = 0; i < exact.Length; i++)
                Assert.InRange(plain[i] - Math.Clamp(exact[i], 0, 255), -0.53, 0.53);
        }
    }

    [Fact]
    public void Resize_ByBox_IsTheMeanOfTheAreaCovered()
    {
        var image = ImageFixture.Noise(30, 41, 3);
        var actual = OpenCvResampler.Resize(image, 13, 19, Interpolation.Box);
        for (var i = 0; i < actual.Bytes.Length; i++)
        {
            var (c, x, y) = (i % 3, i / 3 % 19, i / 3 / 19);
            var sum = 0.0;
            for (var sourceY = 0; sourceY < 30; sourceY++)
            {
                for (var sourceX = 0; sourceX < 41; sourceX++)
                    sum += Shared(x, 41 / 19.0, sourceX) * Shared(y, 30 / 13.0, sourceY) * image.Bytes[(sourceY * 41 + sourceX) * 3 + c];
            }
            Assert.InRange(actual.Bytes[i] - sum / (41 / 19.0 * 30 / 13.0), -0.51, 0.51);
        }

        static double Shared(int target, double scale, int source) =>
            Math.Max(0, Math.Min((target + 1) * scale, source + 1) - Math.Max(target * scale, source));
    }

    [Fact]
    public void Resize_FlatImage_StaysFlat()
    {
        foreach (byte value in (byte[])[0, 1, 127, 254, 255])
        {
            var image = new Image(40, 30, 3);
            image.Bytes.AsSpan().Fill(value);
            foreach (var filter in All)
            {
                foreach (var (height, width) in ((int, int)[])[(7, 90), (100, 100), (1, 1), (39, 31)])
                    Assert.All(OpenCvResampler.Resize(image, height, width, filter).Bytes, pixel => Assert.Equal(value, pixel));
            }
        }
    }

    [Fact]
    public void Resize_AFilterThatOpenCvLacks_IsNamed()
    {
        var error = Assert.Throws<UserErrorException>(() => OpenCvResampler.Resize(new Image(4, 4, 3), 2, 2, Interpolation.Hamming));
        Assert.Equal("OpenCV has no Hamming filter. It has nearest, bilinear, bicubic, box and lanczos.", error.Message);
    }
}
