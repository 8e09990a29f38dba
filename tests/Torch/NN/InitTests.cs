using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class InitTests
{
    [Fact]
    public void Orthogonal_WideAndTall_HasOrthonormalRowsOrColumns()
    {
        using var scope = NewDisposeScope();
        var wide = init.orthogonal_(empty(3, 2, 4), gain: 2).view(3, 8);
        Assert.True(wide.mm(wide.t()).allclose(4 * eye(3), atol: 1e-4));
        var tall = init.orthogonal_(empty(5, 3));
        Assert.True(tall.t().mm(tall).allclose(eye(3), atol: 1e-4));
    }

    [Fact]
    public void Dirac_AsConvolution_PassesTheImageOn()
    {
        using var scope = NewDisposeScope();
        var weight = init.dirac_(empty(2, 2, 3, 3));
        var image = rand(1, 2, 5, 5);
        Assert.True(functional.conv2d(image, weight, padding: [1, 1]).allclose(image));
    }

    [Fact]
    public void Kaiming_FanModes_HaveTheirBoundsAndDeviations()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(2);
        var weight = empty(64, 16, 3, 3); // fan in 144, fan out 576
        Assert.Equal((144L, 576L), init.CalculateFanInAndFanOut(weight));
        init.kaiming_normal_(weight, mode: init.FanInOut.FanOut, nonlinearity: init.NonlinearityType.ReLU);
        Assert.Equal(Math.Sqrt(2.0 / 576), weight.std().ToDouble(), 1e-3);
        init.kaiming_uniform_(weight, Math.Sqrt(5));
        Assert.InRange(weight.abs().max().ToDouble(), 0.99 / 12, 1.0 / 12);
        init.xavier_normal_(weight);
        Assert.Equal(Math.Sqrt(2.0 / 720), weight.std().ToDouble(), 1e-3);
    }

    [Fact]
    public void Sparse_HalfZero_HasThatManyZerosInEveryColumn()
    {
        using var scope = NewDisposeScope();
        var zeros = init.sparse_(empty(10, 4), 0.5).eq(0).sum([0]);
        Assert.Equal([5L, 5, 5, 5], zeros.data<long>().ToArray());
    }

    [Fact]
    public void Linear_Fresh_IsUniformWithinOneOverRootFanIn()
    {
        using var linear = Linear(100, 50);
        using var scope = NewDisposeScope();
        Assert.InRange(linear.weight.abs().max().ToDouble(), 0.099, 0.1);
        Assert.InRange(linear.bias!.abs().max().ToDouble(), 0.05, 0.1);
    }
}
