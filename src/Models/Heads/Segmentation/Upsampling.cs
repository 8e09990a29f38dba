using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Heads.Segmentation;

internal static class Upsampling
{
    /// <summary>A map in another size, bilinear; the map itself where it has that size already.</summary>
    /// <param name="map">[B, C, h, w].</param>
    /// <param name="size">[H, W].</param>
    /// <param name="alignCorners">Corner pixels lie on corner pixels, instead of edges on edges.</param>
    public static Tensor To(Tensor map, ReadOnlySpan<long> size, bool alignCorners) =>
        map.shape.AsSpan(2).SequenceEqual(size) ? map
            : nn.functional.interpolate(map, size.ToArray(), mode: InterpolationMode.Bilinear, align_corners: alignCorners);
}
