using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class PixelTransformTests
{
    private static Sample Of(Image image) =>
        new()
        {
            Index = 0,
            Name = "picture",
            Image = new(image),
        };

    [Fact]
    public void Normalize_OtherChannels_SaysWhereItStands()
    {
        var registry = new ComponentRegistry();
        registry.Add(typeof(Normalize).Assembly);
        var config = ConfigDocument.Parse("""{ "pipeline": [{ "type": "Normalize" }] }""", "gray.json", environment: _ => null);
        using var services = new ServiceCollection().BuildServiceProvider();
        var builder = new ComponentBuilder(registry, services);
        var step = builder.Build(builder.Describe<Transform>(config, "pipeline.0"));
        Assert.Equal(
            "picture: Normalize has a mean of 3 channels, the image has 1. LoadImage's color_type gives all images the same channels. "
                + "Normalize stands in gray.json:1  pipeline.0.",
            Assert.Throws<UserErrorException>(() => step.Apply(Of(ImageFixture.Noise(4, 4, 1)), new RandomSource(1))).Message
        );
    }

    [Theory]
    [InlineData(ChannelOrder.Rgb)]
    [InlineData(ChannelOrder.Bgr)]
    public void Normalize_PlanesEqualTheFormula(ChannelOrder order)
    {
        var image = ImageFixture.Noise(7, 23, 3);
        var sample = new Normalize(new NormalizeOptions([10, 20, 30], [2, 4, 5], InputMode: order)).Apply(Of(image), new RandomSource(1));
        var (pixels, pending) = sample.Image!.Take();
        Assert.Same(image, pixels); // nothing has been computed yet
        var planes = new float[3 * 7 * 23];
        pending.WritePlanes(pixels, planes);
        var interleaved = sample.Image!;
        Assert.Equal(PixelType.Float32, interleaved.Decode().Type);
        float[] mean = [10, 20, 30],
            std = [2, 4, 5];
        for (var i = 0; i < 7 * 23; i++)
        {
            for (var c = 0; c < 3; c++)
            {
                var expected = (image.Bytes[i * 3 + (order == ChannelOrder.Bgr ? 2 - c : c)] - mean[c]) / std[c];
                Assert.Equal(expected, planes[c * 7 * 23 + i], 1e-4f);
                Assert.Equal(expected, interleaved.Decode().Pixels<float>()[i * 3 + c], 1e-4f);
            }
        }
    }

    [Fact]
    public void Normalize_DivValue_IsTorchvisionsForm()
    {
        var image = ImageFixture.Noise(4, 4, 3);
        var plain = new Normalize(new NormalizeOptions()).Apply(Of(image), new RandomSource(1)).Image!.Decode().Pixels<float>().ToArray();
        var divided = new Normalize(new NormalizeOptions([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], 255))
            .Apply(Of(image), new RandomSource(1))
            .Image!.Decode()
            .Pixels<float>()
            .ToArray();
        for (var i = 0; i < plain.Length; i++)
            Assert.Equal(plain[i], divided[i], 1e-4f);
        Assert.Equal((image.Bytes[0] / 255f - 0.485f) / 0.229f, plain[0], 1e-4f);
    }

    [Fact]
    public void Normalize_ThenPad_PadsTheNormalisedImageWithZeros()
    {
        var sample = new Normalize(new NormalizeOptions()).Apply(Of(ImageFixture.Noise(4, 4, 3)), new RandomSource(1));
        new Pad(new PadOptions(new HeightWidth(5, 5))).Apply(sample, new RandomSource(1));
        Assert.Equal(0, sample.Image!.Decode().Pixels<float>()[^1]);
        Assert.Equal(PixelType.Float32, sample.Image.Decode().Type);
    }

    [Fact]
    public void Normalize_ChannelCountsDisagree_NamesBoth()
    {
        var error = Assert.Throws<UserErrorException>(() =>
            new Normalize(new NormalizeOptions()).Apply(Of(ImageFixture.Noise(4, 4, 4)), new RandomSource(1))
        );
        Assert.Contains("mean of 3 channels, the image has 4", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PixelType.UInt8, 100)]
    [InlineData(PixelType.UInt16, 30000)]
    [InlineData(PixelType.Float32, 0)]
    public void GaussianNoise_HasTheStandardDeviationAskedFor(PixelType type, double level)
    {
        var image = new Image(100, 100, 3, type);
        for (var i = 0; i < 30000; i++)
        {
            if (type == PixelType.UInt8)
                image.Pixels<byte>()[i] = (byte)level;
            else if (type == PixelType.UInt16)
                image.Pixels<ushort>()[i] = (ushort)level;
        }
        var noisy = new GaussianNoise(new GaussianNoiseOptions([8, 8])).Apply(Of(image), new RandomSource(1)).Image!.Decode();
        var values = Enumerable.Range(0, 30000).Select(i => TestScene.Value(noisy, i)).ToArray();
        Assert.InRange(values.Average(), level - 0.2, level + 0.2);
        Assert.InRange(Math.Sqrt(values.Average(value => (value - level) * (value - level))), 7.8, 8.2);
    }

    [Fact]
    public void GaussianBlur_OfAPoint_IsTheGaussian()
    {
        var image = new Image(31, 31, 1, PixelType.Float32);
        image.Pixels<float>()[15 * 31 + 15] = 1;
        var blurred = new GaussianBlur(new GaussianBlurOptions([1.5, 1.5], 21))
            .Apply(Of(image), new RandomSource(1))
            .Image!.Decode()
            .Pixels<float>()
            .ToArray();
        var sum = Enumerable.Range(-10, 21).Sum(d => Math.Exp(-d * d / 4.5));
        for (var dy = -5; dy <= 5; dy++)
        {
            for (var dx = -5; dx <= 5; dx++)
                Assert.Equal(Math.Exp(-(dx * dx + dy * dy) / 4.5) / (sum * sum), blurred[(15 + dy) * 31 + 15 + dx], 1e-5);
        }
    }

    [Theory]
    [InlineData(ErasingMode.Constant)]
    [InlineData(ErasingMode.Noise)]
    public void RandomErasing_ErasesARectangleOfTheSharesAskedFor(ErasingMode mode)
    {
        for (var seed = 0UL; seed < 30; seed++)
        {
            var image = new Image(50, 60, 3);
            image.Bytes.AsSpan().Fill(77);
            var sample = Of(image);
            new RandomErasing(new RandomErasingOptions(1, [0.1, 0.3], Mode: mode, Value: [1, 2, 3])).Apply(sample, new RandomSource(seed));
            var changed = Enumerable
                .Range(0, 3000)
                .Where(i => !sample.Image!.Decode().Bytes.AsSpan(i * 3, 3).SequenceEqual((ReadOnlySpan<byte>)[77, 77, 77]))
                .ToArray();
            Assert.InRange(changed.Length / 3000.0, 0.08, 0.32);
            var (width, height) = (
                changed.Max(i => i % 60) - changed.Min(i => i % 60) + 1,
                changed.Max(i => i / 60) - changed.Min(i => i / 60) + 1
            );
            Assert.Equal(changed.Length, width * height);
            if (mode == ErasingMode.Constant)
                Assert.Equal([1, 2, 3], sample.Image!.Decode().Bytes.AsSpan(changed[0] * 3, 3).ToArray());
        }
    }

    [Fact]
    public void ColorJitter_ChangesPixelsOnly()
    {
        var sample = TestScene.Create();
        var (boxes, map) = (sample.Truth.Boxes, sample.Truth.SegmentationMap);
        new ColorJitter(new ColorJitterOptions(0.4, 0.4, 0.4, 0.1)).Apply(sample, new RandomSource(2));
        Assert.Same(boxes, sample.Truth.Boxes);
        Assert.Same(map, sample.Truth.SegmentationMap);
        Assert.NotEqual(TestScene.Create().Image!.Decode().Bytes, sample.Image!.Decode().Bytes);
    }

    [Fact]
    public void RandAugment_EveryOperationTakesPart()
    {
        var results = new HashSet<string>();
        for (var seed = 0UL; seed < 300; seed++)
        {
            var sample = Of(ImageCodec.Load(ImageFixture.Path("colour-source.png")));
            results.Add(
                Convert.ToHexString(
                    System.Security.Cryptography.SHA256.HashData(
                        new RandAugment(new RandAugmentOptions(1)).Apply(sample, new RandomSource(seed)).Image!.Decode().Bytes
                    )
                )
            );
        }
        // Identity, posterize, solarize, autocontrast and equalize (5) and nine operations of two signs (18).
        Assert.Equal(23, results.Count);
    }
}
