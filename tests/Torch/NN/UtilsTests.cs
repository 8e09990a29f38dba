using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Torch.NN;

public class UtilsTests
{
    [Fact]
    public void ClipGradNorm_NormOfFive_ScalesToTheBound()
    {
        using var scope = NewDisposeScope();
        var (a, b) = (new Parameter(zeros(1)), new Parameter(zeros(1)));
        (a.grad, b.grad) = (tensor([3f]), tensor([4f]));
        Assert.Equal(5, nn.utils.clip_grad_norm_([a, b, new Parameter(zeros(1))], 2.5), 1e-6);
        Assert.Equal((1.5f, 2f), (MathF.Round(a.grad!.item<float>(), 4), MathF.Round(b.grad!.item<float>(), 4)));
        Assert.Equal(2, nn.utils.clip_grad_norm_([a, b], 10, double.PositiveInfinity), 1e-5);
        Assert.Equal(3.5, nn.utils.clip_grad_norm_([a, b], 10, 1), 1e-5);
        nn.utils.clip_grad_value_([a, b], 1.75);
        Assert.Equal((1.5f, 1.75f), (MathF.Round(a.grad!.item<float>(), 4), b.grad!.item<float>()));
    }

    [Fact]
    public void ParametersToVector_AndBack_RoundTrips()
    {
        using var scope = NewDisposeScope();
        using var linear = Linear(2, 3);
        var vector = nn.utils.parameters_to_vector(linear.parameters());
        Assert.Equal([9L], vector.shape);
        nn.utils.vector_to_parameters(vector.detach() * 2, linear.parameters());
        Assert.True(nn.utils.parameters_to_vector(linear.parameters()).allclose(vector * 2));
    }

    [Fact]
    public void FuseConvBn_InEvaluation_GivesTheSameOutput()
    {
        using var scope = NewDisposeScope();
        using var conv = Conv2d(2, 3, 3, bias: false);
        using var norm = BatchNorm2d(3);
        init.uniform_(norm.weight, 0.5, 1.5);
        init.uniform_(norm.bias!, -1, 1);
        init.uniform_(norm.running_mean!, -1, 1);
        init.uniform_(norm.running_var!, 0.5, 2);
        norm.eval();
        var image = rand(1, 2, 5, 5);
        var (weight, bias) = nn.utils.fuse_conv_bn_weights(
            conv.weight,
            null,
            norm.running_mean!,
            norm.running_var!,
            norm.eps,
            norm.weight,
            norm.bias
        );
        Assert.True(functional.conv2d(image, weight, bias).allclose(norm.call(conv.call(image)), atol: 1e-5));
    }
}
