using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

internal static class Upsampling
{
    /// <summary>A map in another size, bilinear; the map itself where it has that size already.</summary>
    /// <param name="map">[B, C, h, w].</param>
    /// <param name="size">[H, W].</param>
    /// <param name="alignCorners">Corner pixels lie on corner pixels, instead of edges on edges.</param>
    public static Tensor To(Tensor map, ReadOnlySpan<long> size, bool alignCorners)
    {
        if (map.shape.AsSpan(2).SequenceEqual(size))
            return map;
        // libtorch interpolates 16-bit maps slowly (three to six times the time in float32) or, on some devices, not at all.
        var narrow = map.dtype is ScalarType.BFloat16 or ScalarType.Float16;
        var enlarged = nn.functional.interpolate(
            narrow ? map.to(ScalarType.Float32) : map,
            size.ToArray(),
            mode: InterpolationMode.Bilinear,
            align_corners: alignCorners
        );
        return narrow ? enlarged.to(map.dtype) : enlarged;
    }
}
