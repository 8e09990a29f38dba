using Tessera.Framework.Running;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Layers;

/// <summary>Convolution without bias, batch norm, ReLU. Parameters are named as in MMCV's module of this kind: conv.weight,
/// bn.weight.</summary>
/// <remarks>
/// Where training shows the norm a single value for each channel (a pooled map and one image), the rule of all norms holds
/// (<see cref="SingleValueNorms"/>), here also for a layer that no run has attached it to.
/// </remarks>
internal sealed class ConvNorm : Module<Tensor, Tensor>
{
    private readonly Conv2d conv;
    private readonly BatchNorm2d bn;
    private readonly bool _relu;

    /// <param name="kernel">Odd; padded so that H and W stay.</param>
    public ConvNorm(int width, int channels, int kernel, int dilation = 1, int groups = 1, bool relu = true)
        : base(nameof(ConvNorm))
    {
        conv = Conv2d(width, channels, kernel, padding: dilation * (kernel / 2), dilation: dilation, groups: groups, bias: false);
        bn = BatchNorm2d(channels);
        _relu = relu;
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        x = ConvNormFusion.Run(conv, bn, x) ?? Normed(SmallMaps.Run(conv, x) ?? conv.call(x));
        return scope.MoveToOuter(_relu ? x.relu_() : x);
    }

    private Tensor Normed(Tensor x) => SingleValueNorms.Applies(bn, x) ? Still(x) : bn.call(x);

    private Tensor Still(Tensor x)
    {
        bn.eval();
        try
        {
            return bn.call(x);
        }
        finally
        {
            bn.train();
        }
    }
}
