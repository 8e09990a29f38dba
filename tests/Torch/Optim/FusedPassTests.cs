using Tessera.Torch;
using Tessera.Torch.Optimizers;
using Tessera.Torch.Optimizers.Passes;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Optim;

/// <summary>The pass over memory against the same optimizers made of libtorch's operators.</summary>
public sealed class FusedPassTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    private static readonly Dictionary<string, Func<Parameter[], bool, OwnOptimizer>> s_optimizers = Combinations().ToDictionary();

    public static IEnumerable<object[]> Names => s_optimizers.Keys.Select(name => new object[] { name });

    // ε is large: where gradient and decay cancel, a small one makes any rounding as large as a step.
    private static IEnumerable<(string, Func<Parameter[], bool, OwnOptimizer>)> Combinations()
    {
        foreach (var decay in (double[])[0, 0.05])
        {
            foreach (
                var (momentum, dampening, nesterov) in (List<(double, double, bool)>)
                    [(0, 0, false), (0.9, 0, false), (0.9, 0.3, false), (0.8, 0, true)]
            )
                yield return (
                    $"SGD momentum {momentum} dampening {dampening} nesterov {nesterov} decay {decay}",
                    (p, fused) =>
                        new SgdOptimizer(
                            [new MomentumGroup(p[..4], 0.1, decay, momentum), new MomentumGroup(p[4..], 0.03, decay / 2, momentum)],
                            dampening,
                            nesterov
                        )
                        {
                            Fused = fused,
                        }
                );
            foreach (var amsgrad in (bool[])[false, true])
            foreach (var decoupled in (bool[])[false, true])
                yield return (
                    $"{(decoupled ? "AdamW" : "Adam")} amsgrad {amsgrad} decay {decay}",
                    (p, fused) =>
                        new AdamOptimizer(
                            [new BetasGroup(p[..4], 0.01, decay, 0.9, 0.99), new BetasGroup(p[4..], 0.03, decay / 2, 0.9, 0.99)],
                            decoupled,
                            1e-3,
                            amsgrad
                        )
                        {
                            Fused = fused,
                        }
                );
            yield return (
                $"Lion decay {decay}",
                (p, fused) =>
                    new LionOptimizer([new BetasGroup(p[..4], 0.01, decay, 0.9, 0.99), new BetasGroup(p[4..], 0.03, decay, 0.8, 0.9)])
                    {
                        Fused = fused,
                    }
            );
            yield return (
                $"RAdam decay {decay}",
                (p, fused) =>
                    new RAdamOptimizer([new BetasGroup(p[..4], 0.01, decay, 0.8, 0.9), new BetasGroup(p[4..], 0.03, decay, 0.8, 0.9)], 1e-3)
                    {
                        Fused = fused,
                    }
            );
        }
    }

    public void Dispose() => set_num_threads(_threads);

    /// <summary>Empty, scalar, shorter than a vector, not a multiple of one, longer than a chunk; the last with channels last.</summary>
    private static Parameter[] Start()
    {
        manual_seed(3);
        long[][] shapes =
        [
            [0],
            [],
            [1],
            [7],
            [33],
            [65537],
            [3, 65537],
            [5, 6, 3, 3],
        ];
        return [.. shapes.Select(shape => new Parameter(randn(shape))), new Parameter(ChannelsLast.Lay(randn(9, 5, 7, 3)))];
    }

    /// <summary>Eight steps along gradients that depend on the step alone, laid out as the parameters are.</summary>
    private static (Parameter[] Parameters, OwnOptimizer Optimizer, int[] Fused) Train(
        string name,
        bool fused = true,
        Func<Tensor, Tensor>? layOut = null
    )
    {
        var parameters = Start();
        if (layOut is not null)
            parameters = [.. parameters.Select(parameter => new Parameter(layOut(parameter.detach())))];
        var optimizer = s_optimizers[name](parameters, fused);
        var counts = new int[8];
        for (var step = 0; step < counts.Length; step++)
        {
            manual_seed(100 + step);
            foreach (var parameter in parameters)
                parameter.grad = zeros_like(parameter, requires_grad: false).copy_(randn(parameter.shape));
            optimizer.step();
            counts[step] = optimizer switch
            {
                SgdOptimizer sgd => sgd.LastFused,
                AdamOptimizer adam => adam.LastFused,
                RAdamOptimizer radam => radam.LastFused,
                LionOptimizer lion => lion.LastFused,
                _ => -1,
            };
        }
        return (parameters, optimizer, counts);
    }

    private static List<Tensor> Everything((Parameter[] Parameters, OwnOptimizer Optimizer, int[]) trained)
    {
        List<Tensor> all = [.. trained.Parameters.Select(parameter => parameter.detach())];
        trained.Optimizer.Save(
            [.. trained.Parameters.Select((_, i) => $"{i}")],
            (_, tensor) => all.Add(tensor),
            (_, value) => all.Add(tensor((long)value!))
        );
        return all;
    }

    private static void AssertClose(List<Tensor> expected, List<Tensor> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach (var (a, b) in expected.Zip(actual))
            // relative to what the values began with: what cancels to nearly nothing keeps the rounding of what it came from
            if (a.numel() > 0)
            {
                var (difference, largest) = ((a - b).abs().max().ToDouble(), a.abs().max().ToDouble());
                Assert.True(difference <= 1e-6 * Math.Max(largest, 1), $"{difference} of {largest}");
            }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EightSteps_OddSizes_AsOperators(string name)
    {
        using var scope = NewDisposeScope();
        var (fused, operators) = (Train(name), Train(name, fused: false));
        Assert.All(fused.Fused, count => Assert.Equal(fused.Parameters.Length, count));
        Assert.All(operators.Fused, count => Assert.Equal(0, count));
        AssertClose(Everything(operators), Everything(fused));
        Assert.False(fused.Parameters[^1].is_contiguous());
        Assert.False(Start()[5].Equals(fused.Parameters[5]));
        fused.Optimizer.Dispose();
        operators.Optimizer.Dispose();
    }

    [Theory]
    [InlineData("SGD momentum 0.9 dampening 0 nesterov False decay 0.05")]
    [InlineData("AdamW amsgrad True decay 0.05")]
    public void EightSteps_OneThreadOrMore_SameBits(string name)
    {
        using var scope = NewDisposeScope();
        set_num_threads(1);
        var alone = Train(name);
        foreach (var threads in (int[])[2, 3])
        {
            set_num_threads(threads);
            var together = Train(name);
            foreach (var (a, b) in Everything(alone).Zip(Everything(together)))
                Assert.True(a.Equals(b));
            together.Optimizer.Dispose();
        }
        alone.Optimizer.Dispose();
    }

    /// <summary>An element's result doesn't depend on its place: in a whole vector, or among those left over.</summary>
    [Fact]
    public void Step_ElementsOneByOne_SameBitsAsTogether()
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        var (start, gradient) = (randn(67), randn(67));
        var together = new Parameter(start.clone());
        Parameter[] single = [.. Enumerable.Range(0, 67).Select(i => new Parameter(start[i].clone()))];
        using var one = new AdamOptimizer([new BetasGroup([together], 0.01, 0.1)], decoupled: true);
        using var many = new AdamOptimizer([new BetasGroup(single, 0.01, 0.1)], decoupled: true);
        for (var step = 0; step < 3; step++)
        {
            together.grad = gradient.clone();
            for (var i = 0; i < 67; i++)
                single[i].grad = gradient[i].clone();
            one.step();
            many.step();
        }
        Assert.True(together.detach().Equals(stack(single.Select(parameter => parameter.detach()))));
    }

    [Theory]
    [InlineData("SGD momentum 0.8 dampening 0 nesterov True decay 0.05")]
    [InlineData("SGD momentum 0.9 dampening 0.3 nesterov False decay 0.05")]
    [InlineData("Adam amsgrad True decay 0.05")]
    public void EightSteps_ParametersWithGaps_AreLeftToOperators(string name)
    {
        using var scope = NewDisposeScope();
        static Tensor Gaps(Tensor tensor) => tensor.numel() < 2 ? tensor.clone() : stack([tensor, tensor], -1).select(-1, 0);
        var (dense, gaps) = (Train(name), Train(name, layOut: Gaps));
        Assert.All(gaps.Fused, count => Assert.Equal(3, count));
        AssertClose(Everything(dense), Everything(gaps));
        dense.Optimizer.Dispose();
        gaps.Optimizer.Dispose();
    }

    [Fact]
    public void Step_GradientOrTypeUnlikeTheParameters_IsLeftToOperators()
    {
        using var scope = NewDisposeScope();
        var (turned, wide, plain) = (
            new Parameter(zeros(2, 3)),
            new Parameter(zeros(4, dtype: ScalarType.Float64)),
            new Parameter(zeros(2, 3))
        );
        using var optimizer = new SgdOptimizer([new MomentumGroup([turned, wide, plain], 0.5)]);
        turned.grad = arange(6, dtype: ScalarType.Float32).reshape(3, 2).t();
        plain.grad = turned.grad!.contiguous();
        wide.grad = ones(4, dtype: ScalarType.Float64);
        optimizer.step();
        Assert.Equal(1, optimizer.LastFused);
        Assert.Equal([0f, -1f, -2f, -0.5f, -1.5f, -2.5f], turned.detach().data<float>().ToArray());
        Assert.Equal([0f, -1f, -2f, -0.5f, -1.5f, -2.5f], plain.detach().data<float>().ToArray());
        Assert.Equal([-0.5, -0.5, -0.5, -0.5], wide.detach().data<double>().ToArray());
    }

    /// <summary>A gradient of another shape must not be read beyond its end.</summary>
    [Fact]
    public void Step_GradientOfAnotherShape_ThrowsAndForgets()
    {
        using var scope = NewDisposeScope();
        var (good, bad) = (new Parameter(zeros(4)), new Parameter(zeros(4)));
        using var optimizer = new SgdOptimizer([new MomentumGroup([good, bad], 1)]);
        (good.grad, bad.grad) = (ones(4), ones(3));
        Assert.ThrowsAny<Exception>(() => optimizer.step());
        bad.grad = ones(4);
        optimizer.step();
        Assert.Equal(2, optimizer.LastFused);
        Assert.Equal([-1f, -1f, -1f, -1f], good.detach().data<float>().ToArray());
    }

    /// <summary>What a convolution's backward leaves has the layout of its weight, whichever of the two the input had.</summary>
    [Theory]
    [InlineData(3, true)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(1, false)]
    public void Step_ConvolutionWithChannelsLast_IsFused(int kernel, bool sameInput)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var (weight, bias) = (new Parameter(ChannelsLast.Lay(randn(8, 4, kernel, kernel))), new Parameter(zeros(8)));
        var images = randn(2, 4, 9, 9);
        using var optimizer = new AdamOptimizer([new BetasGroup([weight, bias], 0.01)], decoupled: true);
        for (var step = 0; step < 2; step++)
        {
            nn.functional.conv2d(sameInput ? ChannelsLast.Lay(images) : images, weight, bias).square().sum().backward();
            optimizer.step();
            Assert.Equal(2, optimizer.LastFused);
        }
    }

    [Fact]
    public void Step_BetweenForwardAndBackward_IsNoticedByAutograd()
    {
        using var scope = NewDisposeScope();
        var (parameter, scalar) = (new Parameter(ones(3)), new Parameter(tensor(1f)));
        using var optimizer = new SgdOptimizer([new MomentumGroup([parameter, scalar], 0.5)]);
        (parameter.grad, scalar.grad) = (ones(3), tensor(1f));
        var (loss, other) = ((parameter * parameter).sum(), scalar * scalar);
        optimizer.step();
        Assert.Equal(2, optimizer.LastFused);
        foreach (var late in (Tensor[])[loss, other])
            Assert.Contains(
                "modified by an inplace operation",
                Assert.ThrowsAny<Exception>(() => late.backward()).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void NoteChangeByView_BetweenForwardAndBackward_IsNoticedByAutograd()
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in (Parameter[])[new(ones(2, 3)), new(tensor(1f))])
        {
            var loss = (parameter * parameter).sum();
            using (no_grad())
                FlatFloats.NoteChangeByView(parameter);
            Assert.Contains(
                "modified by an inplace operation",
                Assert.ThrowsAny<Exception>(() => loss.backward()).Message,
                StringComparison.Ordinal
            );
            Assert.True(parameter.detach().eq(1).all().item<bool>());
        }
    }
}
