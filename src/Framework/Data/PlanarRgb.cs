using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tessera.Framework.Data;

/// <summary>8-bit pixels of three channels to float planes, 16 pixels at a time.</summary>
internal static class PlanarRgb
{
    private const byte None = 0xFF;

    // Where, in each of three loads of 16 bytes, channel 0 of 16 successive pixels lies. Channel c is c bytes further.
    private static readonly Vector128<byte>[] Gather = [.. Enumerable.Range(0, 9).Select(i => GatherMask(i / 3, i % 3))];

    private static Vector128<byte> GatherMask(int channel, int load)
    {
        Span<byte> mask = stackalloc byte[16];
        for (var pixel = 0; pixel < 16; pixel++)
        {
            var at = pixel * 3 + channel - load * 16;
            mask[pixel] = at is >= 0 and < 16 ? (byte)at : None;
        }
        return Vector128.Create<byte>(mask);
    }

    /// <param name="source">[H, W, 3].</param>
    /// <param name="target">[3, H, W].</param>
    public static void Write(
        ReadOnlySpan<byte> source,
        Span<float> target,
        (float Factor, float Offset) first,
        (float Factor, float Offset) second,
        (float Factor, float Offset) third,
        bool reverse
    )
    {
        var plane = source.Length / 3;
        var (from0, from2) = reverse ? (2, 0) : (0, 2);
        Write(source, target[..plane], from0, first);
        Write(source, target.Slice(plane, plane), 1, second);
        Write(source, target.Slice(2 * plane, plane), from2, third);
    }

    private static void Write(ReadOnlySpan<byte> source, Span<float> target, int channel, (float Factor, float Offset) scale)
    {
        var i = 0;
        if (Vector128.IsHardwareAccelerated)
        {
            ref var from = ref MemoryMarshal.GetReference(source);
            ref var to = ref MemoryMarshal.GetReference(target);
            var (mask0, mask1, mask2) = (Gather[channel * 3], Gather[channel * 3 + 1], Gather[channel * 3 + 2]);
            var factor = Vector256.Create(scale.Factor);
            var offset = Vector256.Create(scale.Offset);
            for (; i <= target.Length - 16; i += 16)
            {
                ref var pixels = ref Unsafe.Add(ref from, i * 3);
                var values =
                    Vector128.Shuffle(Vector128.LoadUnsafe(ref pixels), mask0)
                    | Vector128.Shuffle(Vector128.LoadUnsafe(ref pixels, 16), mask1)
                    | Vector128.Shuffle(Vector128.LoadUnsafe(ref pixels, 32), mask2);
                var (low, high) = Vector256.Widen(Vector256.WidenLower(values.ToVector256()));
                (Vector256.ConvertToSingle(low.AsInt32()) * factor + offset).StoreUnsafe(ref to, (nuint)i);
                (Vector256.ConvertToSingle(high.AsInt32()) * factor + offset).StoreUnsafe(ref to, (nuint)i + 8);
            }
        }
        for (; i < target.Length; i++)
            target[i] = source[i * 3 + channel] * scale.Factor + scale.Offset;
    }
}
