using System.Diagnostics;
using System.Runtime.InteropServices;
using Tessera.Torch;
using Tessera.Torch.Loading;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Tracing;

public class OperatorTraceTests
{
    private static string[] Names(OperatorTrace trace) => [.. trace.Outermost.Select(node => node.Name)];

    [Fact]
    public void Available_UnlessAnExportIsMissing()
    {
        Assert.True(OperatorTrace.IsAvailable);
        Assert.Subset(Exports.All.ToHashSet(), TraceFunctions.Names.ToHashSet());
        foreach (var missing in TraceFunctions.Names)
            Assert.Null(TraceFunctions.Find(name => name == missing ? 0 : Exports.Find(name)));
    }

    [Fact]
    public void Convolution_IsToldWithAllItsArguments()
    {
        using var scope = NewDisposeScope();
        var (x, weight, bias) = (randn(2, 3, 8, 10), randn(6, 3, 3, 3), randn(6));
        var trace = OperatorTrace.Record(() => functional.conv2d(x, weight, bias, strides: [2, 1], padding: [1, 0], dilation: [1, 2]));
        var node = Assert.Single(trace.Outermost);
        Assert.Equal("aten::conv2d", node.Name);
        Assert.StartsWith("aten::conv2d(Tensor input, Tensor weight, Tensor? bias", node.Schema, StringComparison.Ordinal);
        var input = Assert.IsType<TracedTensor>(node.Inputs[0]);
        Assert.Equal((ScalarType.Float32, "float", "cpu"), (input.Type!.Value, input.TypeName, input.Device));
        Assert.Equal((480, 4, 0), (input.Elements, input.ElementSize, input.Offset));
        Assert.Equal([2, 3, 8, 10], input.Shape);
        Assert.Equal([240, 80, 10, 1], input.Strides);
        IReadOnlyList<long>?[] expected =
        [
            [2, 1],
            [1, 0],
            [1, 2],
        ]; // stride, padding, dilation
        Assert.Equal(expected, node.Inputs.Skip(3).Take(3).Select(value => Assert.IsType<TracedList>(value).Integers));
        Assert.Equal(1, Assert.IsType<TracedInteger>(node.Inputs[6]).Value);
        Assert.Equal([2, 6, 4, 6], Assert.IsType<TracedTensor>(Assert.Single(node.Outputs)).Shape);
        Assert.Contains(trace.Operators, inner => inner.Name == "aten::convolution" && inner.Parent == node);
    }

    [Fact]
    public void Arguments_OfEveryKind_AreRead()
    {
        using var scope = NewDisposeScope();
        var (x, index) = (randn(2, 3, 4).to(float64), tensor(new long[] { 1, 0 }));
        var nodes = OperatorTrace
            .Record(() =>
            {
                _ = x.clamp(double.NegativeInfinity, 0.25);
                _ = cat([x, x[1..]], 0);
                _ = x[TensorIndex.Ellipsis, TensorIndex.Tensor(index)];
                _ = x.sum([0L], keepdim: true, type: ScalarType.Float32);
                _ = functional.gelu(x);
                _ = rand(2, 2);
            })
            .Outermost.ToLookup(node => node.Name);
        Assert.Equal([new TracedDouble(double.NegativeInfinity), new TracedDouble(0.25)], nodes["aten::clamp"].Single().Inputs.Skip(1));
        var joined = Assert.IsType<TracedList>(nodes["aten::cat"].Single().Inputs[0]);
        Assert.Equal(
            [
                [2, 3, 4],
                [1, 3, 4],
            ],
            joined.Items.Cast<TracedTensor>().Select(item => item.Shape)
        );
        Assert.Null(joined.Integers);
        Assert.Equal(12, ((TracedTensor)joined.Items[1]).Offset);
        var indices = Assert.IsType<TracedList>(nodes["aten::index"].Single().Inputs[1]);
        Assert.Equal([typeof(TracedNothing), typeof(TracedNothing), typeof(TracedTensor)], indices.Items.Select(item => item.GetType()));
        Assert.Equal(ScalarType.Int64, indices.Tensors.Single().Type);
        Assert.Equal([new TracedBool(true), new TracedInteger((long)ScalarType.Float32)], nodes["aten::sum"].Single().Inputs.Skip(2));
        Assert.Equal([new TracedText("none")], nodes["aten::gelu"].Single().Inputs.Skip(1));
        Assert.Contains(nodes["aten::rand"].Single().Inputs, value => value == TracedNothing.Instance);
        Assert.Equal(ScalarType.Float64, nodes["aten::gelu"].Single().Outputs.Single().Tensors.Single().Type);
    }

    [Fact]
    public void Views_AndInPlace_ShareTheMemory_CopiesDoNot()
    {
        using var scope = NewDisposeScope();
        var x = randn(4, 6);
        var nodes = OperatorTrace
            .Record(() =>
            {
                var row = x.detach();
                row.transpose(0, 1).add_(1);
                row.clone();
            })
            .Outermost.ToArray();
        Assert.Equal(["aten::detach", "aten::transpose", "aten::add_", "aten::clone"], nodes.Select(node => node.Name));
        var (first, storage) = ((TracedTensor)nodes[0].Inputs[0], ((TracedTensor)nodes[0].Inputs[0]).Storage);
        var results = nodes.Select(node => (TracedTensor)node.Outputs[0]).ToArray();
        Assert.Equal([true, true, true, false], results.Select(result => result.Storage == storage));
        Assert.Equal(results[0].Id, ((TracedTensor)nodes[1].Inputs[0]).Id);
        Assert.Equal(results[1].Id, results[2].Id);
        Assert.NotEqual(first.Id, results[0].Id);
        Assert.Equal([1, 6], results[1].Strides);
    }

    [Fact]
    public void Marks_StandBetweenOperators_AndAreNoWork()
    {
        using var scope = NewDisposeScope();
        var x = randn(3);
        OperatorTrace.Mark(1); // no trace: nothing
        var trace = OperatorTrace.Record(() =>
        {
            _ = x.sin();
            OperatorTrace.Mark(7);
            _ = x.cos();
            OperatorTrace.Mark(int.MaxValue);
            _ = empty(0, 5);
        });
        Assert.Equal(
            ["aten::sin", "7", "aten::cos", "2147483647", "aten::empty"],
            trace.Operators.Where(node => node.Parent is null).Select(node => node.Mark is { } mark ? $"{mark}" : node.Name)
        );
        Assert.Equal(["aten::sin", "aten::cos", "aten::empty"], Names(trace));
        Assert.Throws<ArgumentOutOfRangeException>(() => OperatorTrace.Mark(-1));
    }

    [Fact]
    public void ManyTraces_InOneProcess_EachHoldsItsOwn()
    {
        using var scope = NewDisposeScope();
        var x = randn(2, 2);
        for (var i = 0; i < 50; i++)
        {
            Assert.Empty(OperatorTrace.Record(() => { }).Operators);
            Assert.Equal(
                Enumerable.Repeat("aten::exp", i),
                Names(
                    OperatorTrace.Record(() =>
                    {
                        for (var k = 0; k < i; k++)
                            _ = x.exp();
                    })
                )
            );
            _ = x.log(); // not recorded
        }
    }

    [Fact]
    public void ActionThatThrows_PassesThrough_TheNextTraceIsWhole()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (randn(2, 3), randn(4, 5));
        Assert.Throws<TimeZoneNotFoundException>(() =>
            OperatorTrace.Record(() =>
            {
                for (var i = 0; i < 200; i++)
                    _ = x.exp();
                throw new TimeZoneNotFoundException();
            })
        );
        Assert.ThrowsAny<Exception>(() => OperatorTrace.Record(() => x.mm(y)));
        Assert.Equal(["aten::relu", "aten::exp"], Names(OperatorTrace.Record(() => functional.relu(x).exp())));
    }

    // libtorch goes on taking an operator that threw for running: what follows would be its child.
    [Fact]
    public void OperatorThatThrows_IsNobodysParent()
    {
        using var scope = NewDisposeScope();
        var (x, y) = (randn(2, 3), randn(4, 5));
        var trace = OperatorTrace.Record(() =>
        {
            Assert.ThrowsAny<Exception>(() => x.mm(y));
            _ = x.exp();
            Assert.ThrowsAny<Exception>(() => functional.conv2d(x, y));
            _ = x.relu();
        });
        Assert.Equal(["aten::exp", "aten::relu"], Names(trace)[^2..]);
        Assert.Equal("aten::relu", trace.Operators.Single(node => node.Name == "aten::clamp_min").Parent!.Name);
    }

    [Fact]
    public void OtherThreads_AreLeftOut_AndMayTraceInTurn()
    {
        using var running = new ManualResetEventSlim();
        using var stop = new CancellationTokenSource();
        var other = new Thread(() =>
        {
            using var scope = NewDisposeScope();
            var x = randn(16);
            while (!stop.IsCancellationRequested)
            {
                x.cosh().Dispose();
                running.Set();
            }
        });
        other.Start();
        running.Wait();
        try
        {
            var traces = new OperatorTrace[4];
            Parallel.For(
                0,
                traces.Length,
                new ParallelOptions { MaxDegreeOfParallelism = traces.Length },
                i =>
                {
                    using var scope = NewDisposeScope();
                    var x = randn(4);
                    for (var round = 0; round < 3; round++)
                        traces[i] = OperatorTrace.Record(() =>
                        {
                            for (var k = 0; k <= i; k++)
                                _ = x.sinh();
                            Thread.Sleep(5);
                            _ = x.tanh();
                        });
                }
            );
            for (var i = 0; i < traces.Length; i++)
                Assert.Equal([.. Enumerable.Repeat("aten::sinh", i + 1), "aten::tanh"], Names(traces[i]));
        }
        finally
        {
            stop.Cancel();
            other.Join();
        }
    }

    [Fact]
    public void TraceWithinATrace_IsRefused()
    {
        Assert.Throws<InvalidOperationException>(() => OperatorTrace.Record(() => OperatorTrace.Record(() => { })));
        Assert.Empty(OperatorTrace.Record(() => { }).Operators);
    }

    [Fact]
    public void ResultsGradientsAndRandomNumbers_AreAsWithout()
    {
        using var scope = NewDisposeScope();
        var (x, weight) = (randn(2, 3, 8, 8), randn(4, 3, 3, 3, requires_grad: true));
        Tensor Step()
        {
            manual_seed(3);
            weight.grad = null;
            OperatorTrace.Mark(1);
            var output = functional.dropout(functional.conv2d(x, weight), 0.5) * rand(1);
            OperatorTrace.Mark(2);
            output.square().mean().backward();
            return cat([output.flatten(), weight.grad!.flatten(), rand(3)]).detach();
        }
        var without = Step();
        Tensor? with = null;
        var trace = OperatorTrace.Record(() => with = Step());
        Assert.Equal(without.data<float>().ToArray(), with!.data<float>().ToArray());
        Assert.Contains(trace.Operators, node => node.Name == "aten::convolution_backward");
    }

    [Fact]
    public void LongTrace_IsWhole()
    {
        using var scope = NewDisposeScope();
        var x = zeros(1);
        var trace = OperatorTrace.Record(() =>
        {
            for (var i = 0; i < 500; i++)
                x.add_(1);
        });
        Assert.Equal(500, trace.Outermost.Count());
        Assert.Equal(500, x.item<float>());
        Assert.Equal(trace.Operators.Select(node => node.Id).Order(), trace.Operators.Select(node => node.Id));
    }

    // libtorch warns that its observer begins and ends; the process's standard error is what C++ writes to.
    [UnixFact]
    public void Nothing_IsPrinted()
    {
        var path = Path.GetTempFileName();
        using (var file = File.OpenHandle(path, access: FileAccess.Write))
        {
            var before = Native.dup(2);
            Assert.True(before >= 0 && Native.dup2((int)file.DangerousGetHandle(), 2) == 2);
            try
            {
                _ = OperatorTrace.Record(() => { });
            }
            finally
            {
                _ = Native.dup2(before, 2);
                _ = Native.close(before);
            }
        }
        Assert.Equal("", File.ReadAllText(path));
        File.Delete(path);
    }

    [UnixFact]
    public void NoFile_IsLeft()
    {
        _ = OperatorTrace.Record(() => { });
        var begin = Process.GetCurrentProcess().StartTime.ToUniversalTime();
        Assert.DoesNotContain(Directory.GetFiles(Path.GetTempPath(), "tessera-trace-*"), file => File.GetLastWriteTimeUtc(file) > begin);
    }

    [Fact]
    public void FolderThatCantBeWritten_IsAnIOException_WithoutTouchingTheObserver()
    {
        var functions = TraceFunctions.Find(Exports.Find)!;
        var file = Path.GetTempFileName();
        try
        {
            Assert.ThrowsAny<IOException>(() => TraceObserver.Start(functions, Path.Combine(file, "none")));
        }
        finally
        {
            File.Delete(file);
        }
        Assert.Empty(OperatorTrace.Record(() => { }).Operators);
    }

    private static class Native
    {
        [DllImport("libc")]
        public static extern int dup(int file);

        [DllImport("libc")]
        public static extern int dup2(int file, int place);

        [DllImport("libc")]
        public static extern int close(int file);
    }
}
