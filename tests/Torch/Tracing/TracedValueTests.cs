using System.Runtime.InteropServices;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.Tracing;

/// <summary>Values that operators are given, as a trace with values sees them.</summary>
public class TracedValueTests
{
    private static float[] Values(TracedValue value) =>
        MemoryMarshal.Cast<byte, float>(Assert.IsType<TracedTensor>(value).Origin!.Values!.Value.Span).ToArray();

    private static TensorOrigin Origin(TracedValue value) => Assert.IsType<TracedTensor>(value).Origin!;

    [Fact]
    public void Arguments_AreTracedToWhereTheyComeFrom()
    {
        using var scope = NewDisposeScope();
        var (x, weight, table) = (randn(2, 3), randn(4, 3), tensor(new float[] { 1, 2, 3 }));
        var trace = OperatorTrace.RecordWithValues(
            () =>
            {
                var y = x.matmul(weight.t());
                var z = y.add(tensor(new float[] { 1, 2, 3, 4 }), 1e-9);
                var scaled = table.mul(2).flip(0); // of nothing but constants
                _ = x.mul(scaled).sum();
                _ = z.matmul(weight.narrow(0, 1, 2).sum([0]).expand(4, 3));
            },
            [x],
            [weight]
        );
        var nodes = trace.Operators.Where(node => node.Mark is null).ToArray();
        var product = nodes.First(node => node.Name == "aten::matmul");
        Assert.Equal((true, 0), (Origin(product.Inputs[0]).DependsOnInput, Origin(product.Inputs[0]).Input));
        var turned = nodes.Single(node => node.Name == "aten::t");
        Assert.Equal((false, 0), (Origin(turned.Inputs[0]).DependsOnInput, Origin(turned.Inputs[0]).Known));
        var add = nodes.Single(node => node.Name == "aten::add");
        Assert.True(Origin(add.Inputs[0]).DependsOnInput);
        Assert.Null(Origin(add.Inputs[0]).Input);
        Assert.Equal([1, 2, 3, 4], Values(add.Inputs[1]));
        Assert.Equal(1e-9, Assert.IsType<TracedDouble>(add.Inputs[2]).Value);
        Assert.Equal([6, 4, 2], Values(nodes.Last(node => node.Name == "aten::mul").Inputs[1]));
        Assert.True(Origin(nodes.First(node => node.Name == "aten::sum").Inputs[0]).DependsOnInput);
    }

    [Fact]
    public void ScalarsOfTheProgram_AreSeen_ThoughNoOperatorWritesThem()
    {
        using var scope = NewDisposeScope();
        var x = randn(3);
        var trace = OperatorTrace.RecordWithValues(() => _ = x.mul(tensor(3.5f)).add(zeros(3).fill_(2)), [x], []);
        Assert.Equal([3.5f], Values(trace.Operators.Single(node => node.Name == "aten::mul").Inputs[1]));
        Assert.Equal([2, 2, 2], Values(trace.Operators.Single(node => node.Name == "aten::add").Inputs[1]));
    }

    [Fact]
    public void WhatIsWrittenInPlace_DependsOnWhatWasWritten()
    {
        using var scope = NewDisposeScope();
        var x = randn(3);
        var trace = OperatorTrace.RecordWithValues(
            () =>
            {
                var room = zeros(2, 3);
                room[0].copy_(x);
                _ = room.sum();
            },
            [x],
            []
        );
        Assert.True(Origin(trace.Operators.Single(node => node.Name == "aten::sum").Inputs[0]).DependsOnInput);
    }
}
