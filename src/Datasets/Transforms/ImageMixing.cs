using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>Weighted sums of 8-bit images.</summary>
internal static class ImageMixing
{
    /// <param name="sums">[values], which weight times the values is added to.</param>
    public static void Add(Span<float> sums, ReadOnlySpan<byte> values, float weight)
    {
        for (var i = 0; i < sums.Length; i++)
            sums[i] += weight * values[i];
    }

    /// <summary>Sums as pixels: cut to 0 .. 255, their fractions cut off.</summary>
    /// <param name="like">An image of the shape.</param>
    public static Image CutOff(ReadOnlySpan<float> sums, Image like)
    {
        var result = PixelLayout.Like(like, like.Height, like.Width);
        var target = result.Bytes.AsSpan();
        for (var i = 0; i < target.Length; i++)
            target[i] = (byte)Math.Clamp(sums[i], 0f, 255f);
        return result;
    }

    /// <summary>first + weight * (second - first), as Pillow's Image.blend has it: the fraction is cut off.</summary>
    public static Image Blend(Image first, Image second, float weight)
    {
        var result = PixelLayout.Like(first, first.Height, first.Width);
        Span<byte> a = first.Bytes,
            b = second.Bytes,
            target = result.Bytes;
        for (var i = 0; i < target.Length; i++)
            target[i] = (byte)Math.Clamp(a[i] + (weight * (b[i] - a[i])), 0f, 255f);
        return result;
    }
}
