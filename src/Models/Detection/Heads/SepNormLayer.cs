using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Detection.Heads;

/// <summary>A 3x3 convolution, batch norm, SiLU; the convolution its own or that of another map's layer. Named as in MMDetection's
/// checkpoints: conv.weight, bn.weight.</summary>
internal sealed class SepNormLayer : Module<Tensor, Tensor>
{
    private readonly Conv2d? conv; // null where another layer has it
    private readonly BatchNorm2d bn;
    private readonly Conv2d[] _used; // an array, so that it is registered once

    /// <param name="shared">The layer whose convolution this one uses, too; null: it has its own.</param>
    public SepNormLayer(int width, int channels, NormSettings norm, SepNormLayer? shared)
        : base(nameof(SepNormLayer))
    {
        conv = shared is null ? Conv2d(width, channels, 3, padding: 1, bias: false) : null;
        bn = BatchNorm2d(channels, eps: norm.Eps, momentum: norm.Momentum);
        _used = shared?._used ?? [conv!];
        RegisterComponents();
    }

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, channels, H, W].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(functional.silu(ConvThenNorm.Run(_used[0], bn, x)));
    }
}
