using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Tools.PseudoLabels;
using Tessera.Torch;

namespace Tessera.Tests.Tools.Output;

/// <summary>The input at each scale is made of the whole original image, in the size and units of the config's own pipeline.</summary>
public sealed class ScaledImageTests
{
    private static readonly Normalize s_normalize = new(new NormalizeOptions(Mean: [10, 20, 30], Std: [2, 4, 5]));

    [Theory]
    [InlineData(1, 1, 20, 30)] // the shorter side 20, as the pipeline resizes; what it cuts off then is there
    [InlineData(0.5, 1, 10, 15)]
    [InlineData(1.5, 1, 30, 45)]
    [InlineData(1, 8, 24, 32)] // 2.5 and 3.75 patches, rounded
    [InlineData(0.05, 8, 8, 8)] // at least one
    public void Size_IsThePipelines_WithoutItsCrop(double scale, int divisor, int height, int width)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        Transform[] pipeline =
        [
            new LoadImage(new LoadImageOptions()),
            new Resize(new ResizeOptions(ShorterSide: 20)),
            new CenterCrop(new CenterCropOptions(new HeightWidth(16, 16))),
            s_normalize,
        ];
        Assert.Equal([1, 3, height, width], new ScaledImage(Sample(40, 60), pipeline, divisor).Input(scale).shape);
    }

    [Fact]
    public void Size_IsThePipelines_WithoutItsPadding()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        Transform[] pipeline =
        [
            new LoadImage(new LoadImageOptions()),
            s_normalize,
            new FitSize(new FitSizeOptions(InputSize: new(32, 32))),
        ];
        var image = new ScaledImage(Sample(40, 80), pipeline, 1); // scaled to 16 x 32, then padded to 32 x 32
        Assert.Equal((40, 80), (image.Height, image.Width));
        Assert.Equal([1, 3, 16, 32], image.Input(1).shape);
    }

    [Fact]
    public void Values_AreNormalizedOnce_AtEveryScale()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        Transform[] pipeline = [new LoadImage(new LoadImageOptions()), s_normalize, new Resize(new ResizeOptions(Size: new(8, 8)))];
        var image = new ScaledImage(Sample(40, 60), pipeline, 1);
        // (100 - 10) / 2, (110 - 20) / 4, (120 - 30) / 5
        foreach (var scale in (double[])[1, 2, 1, 0.5])
        {
            var input = image.Input(scale);
            Assert.Equal((long)(8 * scale), input.shape[2]);
            Assert.Equal([45f, 22.5f, 18f], input.amax([0, 2, 3]).Values<float>());
            Assert.Equal([45f, 22.5f, 18f], input.amin([0, 2, 3]).Values<float>());
        }
    }

    [Fact]
    public void Input_AtTheOriginalSize_IsTheOriginal()
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var sample = Sample(6, 9);
        new Random(1).NextBytes(sample.Image!.Decode().Bytes);
        var bytes = (byte[])sample.Image.Decode().Bytes.Clone();
        var image = new ScaledImage(sample, [new LoadImage(new LoadImageOptions()), new ToFloat(new ToFloatOptions(1))], 1);
        for (var round = 0; round < 2; round++)
            Assert.Equal(bytes.Select(value => (float)value), image.Input(1)[0].permute(1, 2, 0).contiguous().Values<float>());
    }

    private static Sample Sample(int height, int width)
    {
        var image = new Image(height, width, 3);
        for (var i = 0; i < image.Bytes.Length; i++)
            image.Bytes[i] = (byte)(100 + (10 * (i % 3)));
        return new Sample
        {
            Index = 0,
            Name = "image",
            Image = new SampleImage(image),
        };
    }
}
