using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Backbones;

public sealed class UNetTests
{
    /// <summary>MMSegmentation refuses such sizes; here they are those of the image filled up with zeros, cut off again.</summary>
    [Theory]
    [InlineData(1, 1, 16, 16)]
    [InlineData(17, 32, 32, 32)]
    [InlineData(45, 53, 48, 64)]
    public void Forward_SizeThatTheStrideDoesNotDivide_IsThatOfTheFilledImage(int height, int width, int fullHeight, int fullWidth)
    {
        using var model = Formula.Fill(Build.From<Backbone>("""{ "type": "UNet", "base_channels": 4 }"""));
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var images = Formula.Values("images", 1, 3, height, width);
        var full = zeros(1, 3, fullHeight, fullWidth);
        full.narrow(2, 0, height).narrow(3, 0, width).copy_(images);
        foreach (var (i, (found, whole)) in model.call(images).Zip(model.call(full)).Index())
        {
            var stride = model.OutStrides[i];
            long[] size = [(height + stride - 1) / stride, (width + stride - 1) / stride];
            Assert.Equal([1, model.OutChannels[i], .. size], found.shape);
            Assert.True(found.equal(whole.narrow(2, 0, size[0]).narrow(3, 0, size[1])).all().item<bool>());
        }
    }

    [Fact]
    public void Maps_ComeCoarsestFirst_AsInMmsegmentation()
    {
        using var model = Build.From<Backbone>(
            """{ "type": "UNet", "base_channels": 4, "num_stages": 4, "strides": [2, 1, 2, 1], "downsamples": [false, true, true] }"""
        );
        Assert.Equal([8, 4, 2, 2], model.OutStrides);
        Assert.Equal([32, 16, 8, 4], model.OutChannels);
    }

    [Theory]
    [InlineData(""" "strides": [1, 1, 1, 1] """, "UNet: strides has 4 values, but 5 are needed for its num_stages")]
    [InlineData(""" "num_stages": 3, "downsamples": [true, true, true] """, "UNet: downsamples has 3 values, but 2 are needed")]
    [InlineData(""" "num_stages": 3, "dec_num_convs": [2, 2, 2] """, "UNet: dec_num_convs has 3 values, but 2 are needed")]
    [InlineData(""" "strides": [1, 3, 1, 1, 1] """, "UNet: strides must lie in 1 .. 2, not [1, 3, 1, 1, 1]")]
    [InlineData(""" "enc_num_convs": [2, 2, 0, 2, 2] """, "UNet: enc_num_convs must lie in 1 .. 16, not [2, 2, 0, 2, 2]")]
    public void Options_ThatDontFit_SayWhich(string options, string message) =>
        Assert.Contains(
            message,
            Assert
                .Throws<UserErrorException>(() => Build.From<Backbone>($$"""{ "type": "UNet", "base_channels": 4, {{options}} }"""))
                .Message,
            StringComparison.Ordinal
        );
}
