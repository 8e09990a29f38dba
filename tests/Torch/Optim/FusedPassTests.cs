using System.Runtime.InteropServices;
using Tessera.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace Tessera.Tests.Torch.Optim;

/// <summary>The fused pass against the same optimizers made of libtorch's operators over lists.</summary>
public sealed class FusedPassTests : IDisposable
{
    private readonly int _threads = get_num_threads();

    private static readonly Dictionary<string, Func<IEnumerable<Parameter>, OptimizerHelper>> s_optimizers = Combinations().ToDictionary();

    public static IEnumerable<object[]> Names => s_optimizers.Keys.Select(name => new object[] { name });

    // ε is large: where gradient and decay cancel, a small one makes any rounding as large as a step.
    private static IEnumerable<(string, Func<IEnumerable<Parameter>, OptimizerHelper>)> Combinations()
    {
        foreach (var decay in (double[])[0, 0.05])
            foreach (var maximize in (bool[])[false, true])
            {
                foreach (var (momentum, dampening, nesterov) in (List<(double, double, bool)>)[(0, 0, false), (0.9, 0, false), (0.9, 0.3, false), (0.8, 0, true)])
                    yield return ($"SGD momentum {momentum} dampening {dampening} nesterov {nesterov} decay {decay} maximize {maximize}",
                        p => SGD(p, 0.1, momentum, dampening, decay, nesterov, maximize));
                foreach (var amsgrad in (bool[])[false, true])
                {
                    yield return ($"Adam amsgrad {amsgrad} decay {decay} maximize {maximize}", p => Adam(p, 0.01, 0.9, 0.99, 1e-3, decay, amsgrad, maximize));
                    yield return ($"AdamW amsgrad {amsgrad} decay {decay} maximize {maximize}", p => AdamW(p, 0.01, 0.9, 0.99, 1e-3, decay, amsgrad, maximize));
                }
            }
    }

    public void Dispose()
    {
        FusedPass.Enabled = true;
        set_num_threads(_threads);
    }

    /// <summary>Empty, scalar, shorter than a vector, not a multiple of one, longer than a thread's block; the last with channels last.</summary>
    private static Parameter[] Start()
    {
        manual_seed(3);
        return [.. ((long[][])[[0], [], [1], [7], [33], [65537], [3, 65537], [5, 6, 3, 3]]).Select(shape => new Parameter(randn(shape))), new Parameter(ChannelsLast(randn(9, 5, 7, 3)))];
    }

    private static Tensor ChannelsLast(Tensor tensor) => tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <summary>Four steps along gradients that depend on the step alone, laid out as the parameters are.</summary>
    private static (Parameter[] Parameters, OptimizerHelper Optimizer) Train(string name, bool fused = true, Func<Tensor, Tensor>? layOut = null)
    {
        var parameters = Start();
        if (layOut is not null)
            parameters = [.. parameters.Select(parameter => new Parameter(layOut(parameter.detach())))];
        var optimizer = s_optimizers[name](parameters);
        FusedPass.Enabled = fused;
        for (var step = 0; step < 4; step++)
        {
            manual_seed(100 + step);
            foreach (var parameter in parameters)
                parameter.grad = zeros_like(parameter, requires_grad: false).copy_(randn(parameter.shape));
            optimizer.step();
        }
        FusedPass.Enabled = true;
        return (parameters, optimizer);
    }

    private static IEnumerable<Tensor> Everything((Parameter[] Parameters, OptimizerHelper Optimizer) trained)
        => trained.Parameters.Select(parameter => parameter.detach()).Concat(trained.Optimizer.state_dict().State.SelectMany(state => state switch
        {
            SGD.State sgd => [sgd.momentum_buffer],
            Adam.State adam => [adam.exp_avg, adam.exp_avg_sq, adam.max_exp_avg_sq, tensor(adam.step)],
            AdamW.State adam => [adam.exp_avg, adam.exp_avg_sq, adam.max_exp_avg_sq, tensor(adam.step)],
            _ => (Tensor?[])[],
        }).OfType<Tensor>());

    private static void AssertClose(IEnumerable<Tensor> expected, IEnumerable<Tensor> actual)
    {
        var (first, second) = (expected.ToArray(), actual.ToArray());
        Assert.Equal(first.Length, second.Length);
        foreach (var (a, b) in first.Zip(second))
            if (a.numel() > 0) // relative to the tensor's size: what cancels to nearly nothing keeps the rounding of what it came from
                Assert.True((a - b).abs().max().ToDouble() <= 1e-6 * a.abs().max().ToDouble(), $"{(a - b).abs().max().ToDouble()} of {a.abs().max().ToDouble()}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void FourSteps_OddSizes_AsOperatorsOverLists(string name)
    {
        using var scope = NewDisposeScope();
        var (fused, lists) = (Train(name), Train(name, fused: false));
        using var one = fused.Optimizer;
        using var other = lists.Optimizer;
        Assert.Equal(fused.Parameters.Length, one.Fused!.Updated);
        Assert.Equal(0, other.Fused!.Updated);
        AssertClose(Everything(lists), Everything(fused));
        Assert.False(fused.Parameters[^1].is_contiguous());
        Assert.NotEqual(Start()[5], fused.Parameters[5]);
    }

    [Theory]
    [InlineData("SGD momentum 0.9 dampening 0 nesterov False decay 0.05 maximize False")]
    [InlineData("AdamW amsgrad True decay 0.05 maximize False")]
    public void FourSteps_OneThreadOrMore_SameBits(string name)
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
        using var one = AdamW([together], 0.01, weight_decay: 0.1);
        using var many = AdamW(single, 0.01, weight_decay: 0.1);
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
    [InlineData("SGD momentum 0.8 dampening 0 nesterov True decay 0.05 maximize True")]
    [InlineData("Adam amsgrad True decay 0.05 maximize False")]
    public void FourSteps_ParametersWithGaps_AreLeftToLists(string name)
    {
        using var scope = NewDisposeScope();
        static Tensor Gaps(Tensor tensor) => tensor.numel() < 2 ? tensor.clone() : stack([tensor, tensor], -1).select(-1, 0);
        var (dense, gaps) = (Train(name), Train(name, layOut: Gaps));
        Assert.Equal(3, gaps.Optimizer.Fused!.Updated);
        AssertClose(Everything(dense), Everything(gaps));
        dense.Optimizer.Dispose();
        gaps.Optimizer.Dispose();
    }

    [Fact]
    public void Step_GradientOrTypeUnlikeTheParameters_IsLeftToLists()
    {
        using var scope = NewDisposeScope();
        var (turned, wide, plain) = (new Parameter(zeros(2, 3)), new Parameter(zeros(4, dtype: ScalarType.Float64)), new Parameter(zeros(2, 3)));
        using var optimizer = SGD([turned, wide, plain], 0.5);
        turned.grad = arange(6, dtype: ScalarType.Float32).reshape(3, 2).t();
        plain.grad = turned.grad!.contiguous();
        wide.grad = ones(4, dtype: ScalarType.Float64);
        optimizer.step();
        Assert.Equal(1, optimizer.Fused.Updated);
        Assert.Equal([0f, -1f, -2f, -0.5f, -1.5f, -2.5f], turned.detach().data<float>().ToArray());
        Assert.Equal([0f, -1f, -2f, -0.5f, -1.5f, -2.5f], plain.detach().data<float>().ToArray());
        Assert.Equal([-0.5, -0.5, -0.5, -0.5], wide.detach().data<double>().ToArray());
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
        var (weight, bias) = (new Parameter(ChannelsLast(randn(8, 4, kernel, kernel))), new Parameter(zeros(8)));
        var images = randn(2, 4, 9, 9);
        using var optimizer = AdamW([weight, bias], 0.01);
        for (var step = 0; step < 2; step++)
        {
            nn.functional.conv2d(sameInput ? ChannelsLast(images) : images, weight, bias).square().sum().backward();
            optimizer.step();
            Assert.Equal(2, optimizer.Fused.Updated);
        }
    }

    [Fact]
    public void Step_GroupsOfTheirOwnRates_KeepThem()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(ones(3)), new Parameter(ones(3)));
        using var optimizer = SGD([new SGD.ParamGroup([a], lr: 0.5), new SGD.ParamGroup([b], lr: 0.25, weight_decay: 1)], 0.1);
        (a.grad, b.grad) = (ones(3), ones(3));
        optimizer.step();
        Assert.Equal(2, optimizer.Fused.Updated);
        Assert.Equal([0.5f, 0.5f, 0.5f], a.detach().data<float>().ToArray());  // 1 - 0.5 · 1
        Assert.Equal([0.5f, 0.5f, 0.5f], b.detach().data<float>().ToArray());  // 1 - 0.25 (1 + 1)
    }

    [Fact]
    public void Step_BetweenForwardAndBackward_IsNoticedByAutograd()
    {
        using var scope = NewDisposeScope();
        var parameter = new Parameter(ones(3));
        using var optimizer = SGD([parameter], 0.5);
        parameter.grad = ones(3);
        var loss = (parameter * parameter).sum();
        optimizer.step();
        Assert.Equal(1, optimizer.Fused.Updated);
        var error = Assert.ThrowsAny<Exception>(() => loss.backward());
        Assert.Contains("modified by an inplace operation", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public unsafe void OnThreads_SoMany_EachDoesTheWorkOnce(int threads)
    {
        var ids = new HashSet<int>();
        var handle = GCHandle.Alloc(ids);
        NativeMethods.tessera_on_threads(&NoteThread, (void*)GCHandle.ToIntPtr(handle), threads);
        handle.Free();
        Assert.Equal(threads, ids.Count);
    }

    [UnmanagedCallersOnly]
    private static unsafe void NoteThread(void* handle)
    {
        var ids = (HashSet<int>)GCHandle.FromIntPtr((IntPtr)handle).Target!;
        lock (ids)
            ids.Add(Environment.CurrentManagedThreadId);
    }
}
