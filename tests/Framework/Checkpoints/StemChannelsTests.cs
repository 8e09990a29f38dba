using Tessera.Framework.Checkpoints;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

public class StemChannelsTests
{
    /// <summary>Worked out by hand: 1 output, channels 1, 2, 4.</summary>
    [Theory]
    [InlineData(new[] { 1f, 2, 4 }, 1, new[] { 7f })]
    [InlineData(new[] { 1f, 2, 4 }, 4, new[] { 0.75f, 1.5f, 3, 0.75f })]
    [InlineData(new[] { 1f, 2, 4 }, 2, new[] { 1.5f, 3 })]
    [InlineData(new[] { 6f }, 3, new[] { 2f, 2, 2 })]
    [InlineData(new[] { 1f, 2, 4, 8 }, 1, new[] { 15f })]
    public void Adapt_Weight_SumsOrRepeats(float[] channels, int wanted, float[] expected)
    {
        using var stored = tensor(channels).reshape(1, channels.Length, 1, 1);
        using var adapted = StemChannels.Adapt(new("conv1.weight"), stored, [1, wanted, 1, 1])!.Value.Tensor;
        Assert.Equal([1, wanted, 1, 1], adapted.shape);
        Assert.Equal(expected, adapted.data<float>().ToArray());
    }

    [Fact]
    public void Adapt_Unfolded_KeepsThePixelsOfAChannelTogether()
    {
        using var stored = arange(6).to(ScalarType.Float32).reshape(1, 6); // 3 channels of 2 pixels
        using var weight = StemChannels.Adapt(new("kqv.weight", StemRole.Weight, 2), stored, [1, 2])!.Value.Tensor;
        Assert.Equal([6f, 9], weight.data<float>().ToArray());
        using var norm = StemChannels.Adapt(new("norm1.weight", StemRole.Norm, 2), stored.flatten(), [2])!.Value.Tensor;
        Assert.Equal([2f, 3], norm.data<float>().ToArray());
    }

    [Theory]
    [InlineData(3, 3)]
    [InlineData(4, 3)] // which of the four to take, none can tell
    public void Adapt_SameOrUnclear_DoesNothing(int from, int to)
    {
        using var stored = zeros(1, from, 1, 1);
        Assert.Null(StemChannels.Adapt(new("conv1.weight"), stored, [1, to, 1, 1]));
    }
}
