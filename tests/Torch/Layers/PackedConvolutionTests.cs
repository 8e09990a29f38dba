using Tessera.Tests.Torch.Conformance;
using Tessera.Torch;
using Tessera.Torch.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Layers;

public sealed class PackedConvolutionTests
{
    [Theory]
    [InlineData(3, 16, 7, 2, 3, 1, 1, 33, 20)] // a stem
    [InlineData(16, 32, 1, 1, 0, 1, 1, 9, 14)]
    [InlineData(17, 5, 3, 1, 1, 1, 1, 12, 12)] // no multiple of 16
    [InlineData(32, 32, 3, 1, 4, 4, 1, 15, 15)] // atrous
    [InlineData(24, 24, 3, 2, 1, 1, 24, 11, 11)] // depthwise
    [InlineData(32, 64, 3, 1, 1, 1, 4, 8, 8)] // groups
    [InlineData(8, 8, 3, 2, 1, 1, 1, 1, 1)] // a map smaller than the kernel
    [InlineData(16, 16, 3, 1, 1, 1, 1, 1, 5)] // one row
    [InlineData(16, 16, 3, 1, 1, 1, 1, 5, 1)] // one column
    [InlineData(8, 1, 3, 1, 1, 1, 1, 6, 6)] // one channel
    public void Run_IsTheConvolution(int from, int to, int kernel, int stride, int padding, int dilation, int groups, int height, int width)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var generator = new Generator(7);
        var weight = randn([to, from / groups, kernel, kernel], generator: generator);
        var bias = randn([to], generator: generator);
        using var packed = Pack(weight, bias, [2, from, height, width], padding, stride, dilation, groups);
        foreach (var (images, more) in ((int, int)[])[(2, 0), (1, 0), (3, 5)]) // other sizes than it was packed for, too
        {
            var x = randn([images, from, height + more, width + more], generator: generator);
            var expected = nn.functional.conv2d(x, weight, bias, [stride, stride], [padding, padding], [dilation, dilation], groups);
            Assert.Equal(0, Difference(expected, packed.Run(x)), 1e-4);
            Assert.Equal(0, Difference(expected, packed.Run(ChannelsLast.Lay(x))), 1e-4);
            Assert.Equal(0, Difference(expected.relu(), packed.Rectified(ChannelsLast.Lay(x))), 1e-4);
        }
    }

    [Fact]
    public void Run_LiesChannelsLast()
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var packed = Pack(randn(16, 8, 3, 3), randn(16), [1, 8, 10, 12], 1, 1, 1, 1);
        var x = randn(1, 8, 10, 12);
        Assert.True(ChannelsLast.IsLaid(packed.Run(x)));
        Assert.True(ChannelsLast.IsLaid(packed.Run(ChannelsLast.Lay(x))));
    }

    [Fact]
    [Covers("jit::load", "jit.ScriptModule::invoke")]
    public void ScriptModule_OfBytes_RunsItsMethods()
    {
        using var scope = NewDisposeScope();
        using var program = jit.load(File.ReadAllBytes(FixtureFile.At("torch", "script.pt")), DeviceType.CPU);
        var found = (Tensor)program.invoke("scaled", tensor((float[])[1, -2, 3]), 4L, tensor((float[])[0.5f, 1, 2]));
        Assert.Equal([4.5f, -7, 14], found.Values<float>().ToArray());
    }

    [Fact]
    public void Packed_OutlivesTheScopeItWasMadeIn()
    {
        PackedConvolution packed;
        using (NewDisposeScope())
            packed = Pack(ones(4, 4, 1, 1), zeros(4), [1, 4, 2, 2], 0, 1, 1, 1);
        using var scope = NewDisposeScope();
        using (packed)
            Assert.All(packed.Run(ones(1, 4, 2, 2)).Values<float>(), value => Assert.Equal(4, value));
    }

    [Fact]
    public void Of_AnotherType_IsNull()
    {
        using var scope = NewDisposeScope();
        Assert.Null(PackedConvolution.Of(ones([4, 4, 1, 1], ScalarType.Float64), zeros(4), [1, 4, 2, 2], [0, 0], [1, 1], [1, 1], 1));
    }

    private static PackedConvolution Pack(
        Tensor weight,
        Tensor bias,
        long[] input,
        long padding,
        long stride,
        long dilation,
        long groups
    ) => PackedConvolution.Of(weight, bias, input, [padding, padding], [stride, stride], [dilation, dilation], groups)!;

    private static float Difference(Tensor expected, Tensor found)
    {
        Assert.Equal(expected.shape, found.shape);
        return (expected - found).abs().max().item<float>() / Math.Max(1, expected.abs().max().item<float>());
    }
}
