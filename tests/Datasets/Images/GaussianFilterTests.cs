using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Filtering;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Images;

public class GaussianFilterTests
{
    [Fact]
    public void Blur_AgreesWithOpenCv()
    {
        var cases = GeometryFixture.Cases("blur");
        Assert.Equal(11, cases.Length);
        foreach (var entry in cases)
        {
            foreach (var level in GeometryFixture.Levels)
            {
                var (size, sigma) = (entry.GetProperty("size").GetInt32(), entry.GetProperty("sigma").GetDouble());
                GeometryFixture.AssertAgrees(entry, GaussianFilter.Blur(GeometryFixture.Source(entry), size, sigma, level), 1);
            }
        }
    }

    [Theory]
    [InlineData(3, 0.6)]
    [InlineData(5, 1.0)]
    [InlineData(13, 2.0)]
    [InlineData(25, 4.0)]
    public void Blur_OfNoise_IsTheConvolution(int size, double sigma)
    {
        var image = ImageFixture.Noise(17, 29, 3);
        var (words, floats) = (new Image(17, 29, 3, PixelType.UInt16), new Image(17, 29, 3, PixelType.Float32));
        for (var i = 0; i < image.Bytes.Length; i++)
            (words.Pixels<ushort>()[i], floats.Pixels<float>()[i]) = ((ushort)(image.Bytes[i] * 257), image.Bytes[i]);
        var bytes = GaussianFilter.Blur(image, size, sigma);
        var (blurredWords, blurredFloats) = (GaussianFilter.Blur(words, size, sigma), GaussianFilter.Blur(floats, size, sigma));
        for (var i = 0; i < image.Bytes.Length; i++)
        {
            var exact = Convolved(image, i, size, sigma);
            Assert.Equal(exact, blurredFloats.Pixels<float>()[i], 1e-3);
            Assert.InRange(blurredWords.Pixels<ushort>()[i] - 257 * exact, -0.6, 0.6);
            Assert.InRange(bytes.Bytes[i] - exact, -1.5, 1.5); // weights of 8 bits
        }
    }

    [Fact]
    public void Blur_EveryLevel_GivesTheSamePixels()
    {
        var random = new RandomSource(7);
        foreach (var width in (int[])[1, 2, 5, 7, 10, 11, 16, 21, 31, 32, 33, 64, 65])
        {
            var image = ImageFixture.Noise(random.Next(1, 20), width, random.Next(1, 5), seed: (ulong)width);
            var (size, sigma) = (2 * random.Next(1, 20) + 1, random.Uniform(0.2, 9));
            var plain = GaussianFilter.Blur(image, size, sigma, SimdLevel.Scalar);
            foreach (var level in GeometryFixture.Levels)
                Assert.Equal(plain.Bytes, GaussianFilter.Blur(image, size, sigma, level).Bytes);
        }
    }

    [Fact]
    public void Blur_FlatImage_StaysFlat()
    {
        foreach (byte value in (byte[])[0, 1, 127, 254, 255])
        {
            var image = new Image(20, 40, 3);
            image.Bytes.AsSpan().Fill(value);
            foreach (var (size, sigma) in ((int, double)[])[(1, 1), (3, 0.1), (5, 1), (61, 10), (601, 100)])
                Assert.All(GaussianFilter.Blur(image, size, sigma).Bytes, blurred => Assert.Equal(value, blurred));
        }
    }

    [Fact]
    public void Blur_EvenKernelOrNoDeviation_IsRefused()
    {
        var image = new Image(4, 4, 3);
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianFilter.Blur(image, 4, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianFilter.Blur(image, 5, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => GaussianFilter.Blur(image, 5, double.NaN));
    }

    private static double Convolved(Image image, int index, int size, double sigma)
    {
        var (c, x, y) = (index % image.Channels, index / image.Channels % image.Width, index / image.Channels / image.Width);
        var (sum, weights) = (0.0, 0.0);
        for (var dy = -(size / 2); dy <= size / 2; dy++)
        {
            for (var dx = -(size / 2); dx <= size / 2; dx++)
            {
                var weight = Math.Exp(-(dx * dx + dy * dy) / (2 * sigma * sigma));
                var (sourceY, sourceX) = (Math.Clamp(y + dy, 0, image.Height - 1), Math.Clamp(x + dx, 0, image.Width - 1));
                (sum, weights) = (sum + weight * image.Bytes[(sourceY * image.Width + sourceX) * image.Channels + c], weights + weight);
            }
        }
        return sum / weights;
    }
}
