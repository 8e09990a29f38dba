using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>Channels weighed by what all their pixels say together, through two layers of which the first is narrow.</summary>
/// <remarks>Hu et al., "Squeeze-and-Excitation Networks", 2017, arXiv:1709.01507. Named as in MMLab: conv1, conv2.</remarks>
internal sealed class SqueezeExcitation : Module<Tensor, Tensor>
{
    private readonly Conv2d conv1;
    private readonly Conv2d conv2;
    private readonly Activation _activation;
    private readonly bool _hard;

    /// <param name="squeezed">Channels between the two layers.</param>
    /// <param name="activation">Between them.</param>
    /// <param name="hard">The weights come by min(max(x + 3, 0), 6) / 6 instead of a sigmoid.</param>
    public SqueezeExcitation(int channels, int squeezed, Activation activation, bool hard)
        : base(nameof(SqueezeExcitation))
    {
        (_activation, _hard) = (activation, hard);
        conv1 = Conv2d(channels, squeezed, 1);
        conv2 = Conv2d(squeezed, channels, 1);
        RegisterComponents();
    }

    /// <param name="x">[B, channels, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var weights = conv2.call(_activation.Run(conv1.call(x.mean([2, 3], keepdim: true))));
        return scope.MoveToOuter(x * (_hard ? functional.hardsigmoid(weights) : functional.sigmoid(weights)));
    }
}
