using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tessera.Datasets.Images;

/// <summary>Four bytes per pixel to three and back.</summary>
internal static class PixelPacking
{
    private static Vector128<byte> FourToThree => Vector128.Create((byte)0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 255, 255, 255, 255);

    private static Vector128<byte> ThreeToFour => Vector128.Create((byte)0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255, 9, 10, 11, 255);

    /// <summary>RGB of RGBA. The target may be longer than needed.</summary>
    public static void DropAlpha(ReadOnlySpan<byte> rgba, Span<byte> rgb)
    {
        var count = rgba.Length / 4;
        rgb = rgb[..(count * 3)];
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            ref var from = ref MemoryMarshal.GetReference(rgba);
            ref var to = ref MemoryMarshal.GetReference(rgb);
            // The last four bytes of each store are overwritten by what follows.
            for (; i * 3 + 16 <= rgb.Length; i += 4)
                Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(i * 4)), FourToThree).StoreUnsafe(ref to, (nuint)(i * 3));
        }
        for (; i < count; i++)
            rgba.Slice(i * 4, 3).CopyTo(rgb[(i * 3)..]);
    }

    /// <summary>Opaque RGBA of RGB. The target may be longer than needed.</summary>
    public static void AddAlpha(ReadOnlySpan<byte> rgb, Span<byte> rgba)
    {
        var count = rgb.Length / 3;
        rgba = rgba[..(count * 4)];
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            var opaque = Vector128.Create(0xFF000000u).AsByte(); // alpha is the last of four bytes on every machine that .NET runs on
            ref var from = ref MemoryMarshal.GetReference(rgb);
            ref var to = ref MemoryMarshal.GetReference(rgba);
            for (; i * 3 + 16 <= rgb.Length; i += 4)
                (Vector128.Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(i * 3)), ThreeToFour) | opaque).StoreUnsafe(
                    ref to,
                    (nuint)(i * 4)
                );
        }
        for (; i < count; i++)
        {
            rgb.Slice(i * 3, 3).CopyTo(rgba[(i * 4)..]);
            rgba[i * 4 + 3] = 255;
        }
    }
}
