using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Layers;

public sealed class WinogradConvolutionTests
{
    [Theory]
    [InlineData(1, 16, 16, 4, 4, 1)] // one tile
    [InlineData(2, 16, 32, 1, 1, 1)] // less than one
    [InlineData(1, 48, 16, 13, 7, 1)] // tiles that reach beyond the map
    [InlineData(3, 32, 32, 14, 14, 1)]
    [InlineData(1, 16, 16, 1, 9, 1)] // one row
    [InlineData(2, 16, 16, 12, 15, 2)] // atrous: as many maps as dilation²
    [InlineData(1, 16, 16, 17, 10, 4)]
    [InlineData(1, 16, 16, 5, 6, 12)] // taps on padding alone
    [InlineData(1, 16, 16, 65, 33, 1)] // two portions, the last one small
    public void Run_IsTheConvolution(int images, int from, int to, int height, int width, int dilation)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var generator = new Generator(3);
        var weight = randn([to, from, 3, 3], generator: generator);
        var bias = randn([to], generator: generator);
        var x = randn([images, from, height, width], generator: generator);
        using var convolution = new WinogradConvolution(() => weight.clone(), bias, from, dilation);

        var found = convolution.Run(ChannelsLast.Lay(x), rectified: false)!;
        var expected = nn.functional.conv2d(
            x.to(ScalarType.Float64),
            weight.to(ScalarType.Float64),
            bias.to(ScalarType.Float64),
            padding: [dilation, dilation],
            dilation: [dilation, dilation]
        );
        Assert.Equal(expected.shape, found.shape);
        Assert.True(ChannelsLast.IsLaid(found));
        Assert.Equal(0, Difference(expected, found), 5e-5);
        Assert.Equal(0, Difference(expected.relu(), convolution.Run(ChannelsLast.Lay(x), rectified: true)!), 5e-5);
    }

    [Fact]
    public void Run_ManyImages_WholeAndSmallPortions()
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var generator = new Generator(3);
        var weight = randn([16, 16, 3, 3], generator: generator);
        using var convolution = new WinogradConvolution(() => weight.clone(), zeros(16), 16, 1);
        foreach (var images in (int[])[8, 9, 24, 31]) // of 16 tiles: 128, 144, 384, 496
        {
            var x = randn([images, 16, 16, 16], generator: generator);
            var expected = nn.functional.conv2d(x, weight, padding: [1, 1]);
            Assert.Equal(0, Difference(expected, convolution.Run(ChannelsLast.Lay(x), rectified: false)!), 5e-5);
        }
    }

    /// <summary>What a pixel holds reaches the nine outputs around it and no other, in its own image alone.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Run_OnePixel_ReachesItsNeighboursOnly(int dilation)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var convolution = new WinogradConvolution(() => ones(16, 16, 3, 3), zeros(16), 16, dilation);
        var x = zeros(2, 16, 20, 20);
        x[1, 0, 7, 9] = 1;
        var found = convolution.Run(ChannelsLast.Lay(x), rectified: false)!.Values<float>();
        for (var i = 0; i < found.Length; i++)
        {
            var (image, row, column) = (i / (16 * 400), i / 20 % 20, i % 20);
            var reached = image == 1 && IsNear(row - 7) && IsNear(column - 9);
            Assert.Equal(reached ? 1 : 0, found[i], 1e-5);
        }

        bool IsNear(int distance) => distance == 0 || Math.Abs(distance) == dilation;
    }

    [Fact]
    public void Fits_ConvolutionsOf3x3ThatKeepTheSize()
    {
        using var scope = NewDisposeScope();
        Assert.True(WinogradConvolution.Fits(nn.Conv2d(16, 16, 3, padding: 1)));
        Assert.True(WinogradConvolution.Fits(nn.Conv2d(16, 16, 3, padding: 4, dilation: 4)));
        Assert.False(WinogradConvolution.Fits(nn.Conv2d(16, 16, 3)));
        Assert.False(WinogradConvolution.Fits(nn.Conv2d(16, 16, 3, padding: 1, stride: 2)));
        Assert.False(WinogradConvolution.Fits(nn.Conv2d(16, 16, 3, padding: 1, groups: 2)));
        Assert.False(WinogradConvolution.Fits(nn.Conv2d(16, 16, (3, 1), padding: (1, 0))));
        Assert.False(WinogradConvolution.Fits(nn.Conv2d(16, 16, 1)));
    }

    [Fact]
    public void Pays_WhereProductsAreMostOfTheWork()
    {
        Assert.True(WinogradConvolution.Pays([8, 256, 14, 14], 256, 1));
        Assert.True(WinogradConvolution.Pays([1, 512, 32, 32], 512, 4));
        Assert.False(WinogradConvolution.Pays([8, 16, 56, 56], 16, 1)); // the transforms take longer
        Assert.False(WinogradConvolution.Pays([1, 512, 7, 7], 512, 1)); // few tiles
        Assert.False(WinogradConvolution.Pays([8, 2048, 32, 32], 256, 24)); // most taps lie on padding
        Assert.False(WinogradConvolution.Pays([8, 250, 14, 14], 256, 1)); // no multiple of 16
        Assert.False(WinogradConvolution.Pays([64, 256, 512, 512], 256, 1)); // more than a span holds
    }

    private static double Difference(Tensor expected, Tensor found)
    {
        Assert.Equal(expected.shape, found.shape);
        return (expected - found).abs().max().to(ScalarType.Float64).item<double>()
            / expected.abs().max().to(ScalarType.Float64).item<double>();
    }
}
