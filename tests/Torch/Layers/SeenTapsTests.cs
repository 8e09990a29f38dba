using Tessera.Tests.Torch.Defects;
using Tessera.Torch;
using Tessera.Torch.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Layers;

/// <summary>Convolutions over maps smaller than their kernels.</summary>
public sealed class SeenTapsTests
{
    private delegate Tensor Convolution(Tensor input, Tensor weight, long[] stride, long[] padding, long[] dilation, long groups);

    private static readonly Convolution s_plain = (x, w, stride, padding, dilation, groups) =>
        nn.functional.conv2d(x, w, null, stride, padding, dilation, groups);

    private static readonly Convolution s_cut = (x, w, stride, padding, dilation, groups) =>
        SeenTaps.Convolve(x, w, null, stride, padding, dilation, groups);

    [Theory]
    [InlineData(ScalarType.Float64, false, 1e-12)]
    [InlineData(ScalarType.Float32, true, 1e-5)]
    [InlineData(ScalarType.BFloat16, false, 0.01)]
    [InlineData(ScalarType.BFloat16, true, 0.01)]
    public void Convolve_IsTheConvolution_AndItsGradients(ScalarType type, bool channelsLast, double tolerance)
    {
        var wrong = Cases().Select(one => one.Worst(s_cut, type, channelsLast, tolerance)).OfType<string>().ToArray();
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void UnseenTaps_HaveGradientsOfUnsetMemory()
    {
        var wrong = Cases().Select(one => one.Worst(s_plain, ScalarType.BFloat16, channelsLast: true, 0.01)).OfType<string>().ToArray();
        if (Processor.HasBfloat16) // elsewhere other code of oneDNN runs
            Mended.Not(wrong.Length > 0, "conv2d's weight gradients over tiny maps in bfloat16", "Delete SeenTaps and TinyMaps.");
        Assert.All(wrong, one => Assert.StartsWith("the weights' gradient, unseen", one, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(1, 3, 1, 1, 1, true)] // the middle alone meets a map of one
    [InlineData(2, 3, 1, 1, 1, false)]
    [InlineData(1, 1, 2, 0, 1, false)]
    [InlineData(2, 3, 2, 1, 1, true)] // one place, at -1: the first tap lies outside
    [InlineData(3, 3, 2, 1, 1, false)]
    [InlineData(16, 3, 1, 12, 12, false)]
    [InlineData(12, 3, 1, 12, 12, true)]
    public void Miss_ByHand(long map, long kernel, long stride, long padding, long dilation, bool expected)
    {
        using var input = zeros(1, 1, map, map);
        Assert.Equal(expected, SeenTaps.Miss(input, [kernel, kernel], [stride, stride], [padding, padding], [dilation, dilation]));
    }

    private static IEnumerable<Case> Cases() =>
        from batch in (int[])[1, 3]
        from channels in (int[])[3, 16, 48]
        from filters in (int[])[16, 24]
        from kernel in (int[])[3, 5, 7]
        from stride in (int[])[1, 2, 3]
        from dilation in (int[])[1, 2, 6]
        from size in (int[])[1, 2, 4]
        from groups in channels == 16 && filters == 16 ? (int[])[1, 4, 16] : [1]
        select new Case(batch, channels, filters, kernel, stride, dilation, size, groups);

    private sealed record Case(int Batch, int Channels, int Filters, int Kernel, int Stride, int Dilation, int Size, int Groups)
    {
        private long Padding => Kernel / 2 * Dilation;

        /// <summary>What is further from float64's result than the tolerance; null: nothing.</summary>
        public string? Worst(Convolution convolution, ScalarType type, bool channelsLast, double tolerance)
        {
            using var scope = NewDisposeScope();
            random.manual_seed(GetHashCode());
            var images = Layout(randn(Batch, Channels, Size, Size + 1).to(bfloat16), channelsLast);
            var weights = Layout((randn(Filters, Channels / Groups, Kernel, Kernel) * 0.1).to(bfloat16), channelsLast);
            var expected = Step(s_plain, float64);
            LeaveNumbersBehind(weights.numel());
            var actual = Step(convolution, type);
            var unseen = SeenTaps.Miss(images, [Kernel, Kernel], [Stride, Stride], [Padding, Padding], [Dilation, Dilation]);
            foreach (var (e, a, what) in expected.Zip(actual, (string[])["the output", "the images' gradient", "the weights' gradient"]))
            {
                var off = ((a - e).norm() / e.norm()).item<double>();
                if (!(off < tolerance))
                    return $"{what}, {(unseen ? "unseen" : "all seen")}, {this}: {off}";
            }
            return null;

            Tensor[] Step(Convolution of, ScalarType number)
            {
                var x = Layout(images.to(number), channelsLast).detach().requires_grad_(true);
                var w = Layout(weights.to(number), channelsLast).detach().requires_grad_(true);
                var y = of(x, w, [Stride, Stride], [Padding, Padding], [Dilation, Dilation], Groups);
                random.manual_seed(1);
                y.backward([randn(y.shape).to(bfloat16).to(number)]);
                return [y.detach().to(float64), x.grad!.to(float64), w.grad!.to(float64)];
            }
        }

        private static Tensor Layout(Tensor tensor, bool channelsLast) =>
            channelsLast ? tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : tensor;

        // So that memory which is given unset doesn't happen to hold zeros.
        private static void LeaveNumbersBehind(long count)
        {
            var tensors = Enumerable.Range(1, 4).SelectMany(i => new[] { full([count * i], 3e8f), full([count * i / 2 + 1], 3e8f) });
            foreach (var one in tensors.ToArray())
                one.Dispose();
        }
    }
}
