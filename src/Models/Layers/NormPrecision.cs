using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

internal static class NormPrecision
{
    /// <summary>Runs the norm in its own precision: what a convolution gives under autocast is of a lower one, which the CPU's norm does
    /// not mix.</summary>
    public static Tensor Normed(this LayerNorm norm, Tensor x) => norm.call(x.to(norm.weight!.dtype));

    /// <summary>The norm over a map's channels at each of its places.</summary>
    /// <param name="map">[B, C, H, W].</param>
    /// <returns>[B, C, H, W], channels last in memory.</returns>
    public static Tensor OverChannels(this LayerNorm norm, Tensor map) => norm.Normed(map.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
}
