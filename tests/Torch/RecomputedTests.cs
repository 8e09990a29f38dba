using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class RecomputedTests
{
    /// <summary>Convolution, norm, dropout: everything that a second run could do otherwise.</summary>
    private sealed class Part : IDisposable
    {
        public Conv2d Conv { get; } = nn.Conv2d(3, 3, 3, padding: 1);

        public BatchNorm2d Norm { get; } = nn.BatchNorm2d(3);

        public Parameter[] Parameters => [.. Conv.parameters(), .. Norm.parameters()];

        public int Runs { get; private set; }

        public Tensor Run(Tensor x)
        {
            Runs++;
            using var scope = NewDisposeScope();
            var y = nn.functional.dropout(Norm.call(Conv.call(x)), 0.4, training: true);
            return scope.MoveToOuter(y + x);
        }

        public void Dispose()
        {
            Conv.Dispose();
            Norm.Dispose();
        }
    }

    private static float[][] Train(bool recomputed, bool inputNeedsGradient, ScalarType? autocast = null)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var part = new Part();
        var x = randn(4, 3, 5, 6);
        if (inputNeedsGradient)
            x.requires_grad_();
        var seen = new List<float[]>();
        for (var step = 0; step < 3; step++)
        {
            Tensor y;
            using (autocast is { } type ? Autocast.Enter(DeviceType.CPU, type) : Autocast.Unchanged)
            {
                y = recomputed ? Recomputed.Run(part.Run, x, part.Parameters, [part.Norm]) : part.Run(x);
                if (autocast is null) // a weight's copy in bfloat16 would be one for both uses, and sum their gradients in bfloat16
                    y = recomputed ? Recomputed.Run(part.Run, y, part.Parameters, [part.Norm]) : part.Run(y);
            }
            y.to(ScalarType.Float32).square().sum().backward();
            seen.Add(Values(rand(2))); // where the generator stands
        }
        if (recomputed)
            Assert.Equal(autocast is null ? 12 : 6, part.Runs);
        foreach (var parameter in part.Parameters)
            seen.Add(Values(parameter.grad!));
        seen.AddRange([Values(part.Norm.running_mean!), Values(part.Norm.running_var!)]);
        seen.Add([part.Norm.num_batches_tracked!.item<long>()]);
        if (inputNeedsGradient)
            seen.Add(Values(x.grad!));
        return [.. seen];

        static float[] Values(Tensor tensor) => tensor.detach().reshape(-1).data<float>().ToArray();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void Run_GradientsStatisticsAndRandomNumbers_AreThoseWithoutIt(bool inputNeedsGradient, bool bf16)
    {
        ScalarType? type = bf16 ? ScalarType.BFloat16 : null;
        var (plain, recomputed) = (Train(false, inputNeedsGradient, type), Train(true, inputNeedsGradient, type));
        Assert.Equal(plain.Length, recomputed.Length);
        foreach (var (i, (expected, actual)) in plain.Zip(recomputed).Index())
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"value {i}");
    }

    /// <summary>What nobody has trained gets no gradient, and nothing is run twice for it.</summary>
    [Fact]
    public void Run_NothingToTrain_RunsOnce()
    {
        using var scope = NewDisposeScope();
        using var part = new Part();
        foreach (var parameter in part.Parameters)
            parameter.requires_grad = false;
        Assert.False(Recomputed.Run(part.Run, ones(1, 3, 4, 4), part.Parameters, [part.Norm]).requires_grad);
        using (no_grad())
            Recomputed.Run(part.Run, ones(1, 3, 4, 4), part.Parameters, [part.Norm]);
        Assert.Equal(2, part.Runs);
    }

    /// <summary>Between forward and backward of 24 parts of eight tensors each, only their inputs live.</summary>
    [Fact]
    public void Run_BetweenForwardAndBackward_KeepsInputsAlone()
    {
        var recomputed = Kept(true); // first, before there are free pages
        var plain = Kept(false);
        Assert.True(recomputed < plain / 3, $"{recomputed} bytes instead of {plain}");

        static long Kept(bool recomputed)
        {
            using var scope = NewDisposeScope();
            var weight = new Parameter(ones(1));
            var x = randn(512, 1024); // 2 MiB
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var before = Environment.WorkingSet;
            for (var i = 0; i < 24; i++)
                x = recomputed ? Recomputed.Run(Inside, x, [weight], []) : Inside(x);
            var kept = Environment.WorkingSet - before;
            x.sum().backward();
            return kept;

            Tensor Inside(Tensor input)
            {
                using var inner = NewDisposeScope();
                var y = input;
                for (var i = 0; i < 8; i++)
                    y = (y * weight).tanh();
                return inner.MoveToOuter(y);
            }
        }
    }

    [Fact]
    public void Run_LeavesNoTensor()
    {
        long? after = null;
        using var part = new Part();
        for (var step = 0; step < 5; step++)
        {
            using (NewDisposeScope())
            {
                var x = ones(1, 3, 4, 4, requires_grad: true);
                Recomputed.Run(part.Run, x, part.Parameters, [part.Norm]).square().sum().backward();
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (step == 1)
                after = Tensor.TotalCount;
        }
        Assert.True(Tensor.TotalCount <= after, $"{after} tensors, then {Tensor.TotalCount}");
    }
}
