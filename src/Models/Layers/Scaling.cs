using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>Bilinear interpolation by a factor.</summary>
/// <param name="alignCorners">Corner pixels lie on corner pixels, instead of edges on edges.</param>
internal sealed class Scaling(double scale, bool alignCorners = false) : nn.Module<Tensor, Tensor>(nameof(Scaling))
{
    /// <param name="x">[B, C, H, W].</param>
    /// <returns>[B, C, ⌈H · scale⌉, ⌈W · scale⌉].</returns>
    public override Tensor forward(Tensor x) =>
        Upsampling.To(x, [(long)Math.Ceiling(x.shape[2] * scale), (long)Math.Ceiling(x.shape[3] * scale)], alignCorners);
}
