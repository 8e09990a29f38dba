using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class BackwardMarkTests
{
    [Fact]
    public void Place_ChangesNeitherValuesNorGradients()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1f, 2, 3]).requires_grad_();
        var reached = 0;
        var y = BackwardMark.Place(x * 2, () => reached++);
        Assert.Equal([2f, 4, 6], y.detach().data<float>().ToArray());
        y.square().sum().backward();
        Assert.Equal(1, reached);
        Assert.Equal([8f, 16, 24], x.grad!.data<float>().ToArray()); // d(2x)²/dx = 8x
    }

    [Fact]
    public void Place_OutputMayBeChangedInPlace()
    {
        using var scope = NewDisposeScope();
        var x = tensor([1f, -2, 3]).requires_grad_();
        BackwardMark.Place(x + 0, () => { }).mul_(3).relu_().sum().backward();
        Assert.Equal([3f, 0, 3], x.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Place_WithoutGradient_GivesTheTensorItself()
    {
        using var x = ones(2, requires_grad: true);
        using var plain = ones(2);
        Assert.Same(plain, BackwardMark.Place(plain, () => Assert.Fail("reached")));
        using (no_grad())
            Assert.Same(x, BackwardMark.Place(x, () => Assert.Fail("reached")));
    }

    // Four layers, each with a branch of its own to the loss: when backward comes to a mark, every layer after it has its gradient, and none
    // before it.
    [Fact]
    public void Reached_WhenTheGradientsOfAllLaterLayersAreComplete()
    {
        using var scope = NewDisposeScope();
        var layers = Enumerable.Range(0, 4).Select(_ => nn.Linear(3, 3)).ToArray();
        var seen = new List<(int Mark, float[]?[] Gradients)>();
        var x = ones(2, 3);
        var loss = zeros(1);
        for (var i = 0; i < layers.Length; i++)
        {
            var mark = i;
            x = layers[i].call(x);
            if (i < layers.Length - 1)
                x = BackwardMark.Place(x, () => seen.Add((mark, [.. layers.Select(Gradient)])));
            x = x.tanh();
            loss = loss + x.square().sum() + layers[i].weight!.abs().sum();
        }
        loss.backward();
        Assert.Equal([2, 1, 0], seen.Select(entry => entry.Mark));
        var final = layers.Select(Gradient).ToArray();
        foreach (var (mark, gradients) in seen)
            for (var i = mark + 1; i < layers.Length; i++)
                Assert.Equal(final[i], gradients[i]);
        foreach (var layer in layers)
            layer.Dispose();

        static float[]? Gradient(Linear layer) => layer.weight!.grad is { } grad ? [.. grad.reshape(-1).data<float>()] : null;
    }

    [Fact]
    public void Place_LeavesNoTensor()
    {
        long? after = null;
        for (var step = 0; step < 5; step++)
        {
            using (NewDisposeScope())
            {
                var x = ones(8, requires_grad: true);
                BackwardMark.Place(x * 2, () => { }).square().sum().backward();
            }
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (step == 1)
                after = Tensor.TotalCount;
        }
        Assert.True(Tensor.TotalCount <= after, $"{after} tensors, then {Tensor.TotalCount}");
    }
}
