using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

internal static class NormPrecision
{
    /// <summary>Runs the norm in its own precision: what a convolution gives under autocast is of a lower one, which the CPU's norm does
    /// not mix.</summary>
    public static Tensor Normed(this LayerNorm norm, Tensor x) => norm.call(x.to(norm.weight!.dtype));
}
