using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Mixes pixels of 8 bits and 3 or 4 channels, one at a time, its channels and taps side by side in a vector.</summary>
internal static unsafe class ByteWarp
{
    // Of two rows of two pixels, in the two halves of a vector: per channel the four values, row by row.
    private static Vector128<byte> SquaresOfThree => Vector128.Create(0, 3, 8, 11, 1, 4, 9, 12, 2, 5, 10, 13, 0xFF, 0xFF, 0xFF, 0xFF);
    private static Vector128<byte> SquaresOfFour => Vector128.Create((byte)0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

    // Of four pixels in a row: the first two, or the last two, of each channel side by side, in 16 bits.
    private static Vector128<byte> FirstOfThree =>
        Vector128.Create(0, 0xFF, 3, 0xFF, 1, 0xFF, 4, 0xFF, 2, 0xFF, 5, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
    private static Vector128<byte> LastOfThree =>
        Vector128.Create(6, 0xFF, 9, 0xFF, 7, 0xFF, 10, 0xFF, 8, 0xFF, 11, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
    private static Vector128<byte> FirstOfFour =>
        Vector128.Create((byte)0, 0xFF, 4, 0xFF, 1, 0xFF, 5, 0xFF, 2, 0xFF, 6, 0xFF, 3, 0xFF, 7, 0xFF);
    private static Vector128<byte> LastOfFour =>
        Vector128.Create((byte)8, 0xFF, 12, 0xFF, 9, 0xFF, 13, 0xFF, 10, 0xFF, 14, 0xFF, 11, 0xFF, 15, 0xFF);

    private static readonly ulong[] Pairs = MakePairs();

    /// <summary>For each phase u: (32 - u, u) in bytes, eight times; then in 16 bits, four times. [Phases, 4].</summary>
    private static ulong[] MakePairs()
    {
        var pairs = new ulong[WarpWeights.Phases * 4];
        for (var u = 0; u < WarpWeights.Phases; u++)
        {
            var bytes = (ulong)(WarpWeights.Phases - u | u << 8) * 0x0001_0001_0001_0001;
            var words = (ulong)(uint)(WarpWeights.Phases - u | u << 16) * 0x0000_0001_0000_0001;
            (pairs[4 * u], pairs[4 * u + 1], pairs[4 * u + 2], pairs[4 * u + 3]) = (bytes, bytes, words, words);
        }
        return pairs;
    }

    /// <summary>Pixels behind the last tap that whole-vector loads touch, and whether there is a vector loop at all.</summary>
    public static (int Pixels, bool Vectors) Margin(int channels, int taps) =>
        (channels, taps) switch
        {
            (3, 2) => (1, true), // loads of 8 bytes for 6
            (3, > 2) => (2, true), // loads of 16 bytes for 12
            (4, >= 2) => (0, true),
            _ => (0, false),
        };

    /// <summary>Writes columns begin .. end of a row, whose taps lie in the image; with 3 channels, a byte more.</summary>
    public static void Mix(byte* pixels, Image image, WarpGrid grid, WarpWeights weights, byte* row, int begin, int end)
    {
        if (begin >= end)
            return;
        fixed (
            long* byX = grid.ByX,
                byY = grid.ByY
        )
        {
            var places = new Places(byX, grid.RowX, byY, grid.RowY, begin, end);
            var target = row + (long)begin * image.Channels;
            var stride = (long)image.Width * image.Channels;
            switch (image.Channels, weights.Taps)
            {
                case (3, 2):
                    Mix2(pixels, stride, 3, places, SquaresOfThree, target);
                    break;
                case (4, 2):
                    Mix2(pixels, stride, 4, places, SquaresOfFour, target);
                    break;
                case (3, _):
                    Mix4(pixels, stride, 3, places, weights, FirstOfThree, LastOfThree, target);
                    break;
                default:
                    Mix4(pixels, stride, 4, places, weights, FirstOfFour, LastOfFour, target);
                    break;
            }
        }
    }

    /// <summary>Where the columns begin .. end of a row come from: <see cref="WarpGrid"/>.</summary>
    private readonly struct Places(long* byX, long rowX, long* byY, long rowY, int begin, int end)
    {
        public readonly long* ByX = byX,
            ByY = byY;
        public readonly long RowX = rowX,
            RowY = rowY;
        public readonly int Begin = begin,
            End = end;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix2(byte* pixels, long stride, int channels, in Places places, Vector128<byte> squares, byte* target)
    {
        const int mask = WarpWeights.Phases - 1,
            shift = WarpGrid.Bits - WarpGrid.PhaseBits;
        long* byX = places.ByX,
            byY = places.ByY;
        var (rowX, rowY) = (places.RowX, places.RowY);
        var half = Vector128.Create(1 << (2 * WarpGrid.PhaseBits - 1));
        fixed (ulong* pairs = Pairs)
        {
            for (var x = places.Begin; x < places.End; x++)
            {
                var (placeX, placeY) = (rowX + byX[x], rowY + byY[x]);
                var from = pixels + (placeY >> WarpGrid.Bits) * stride + (placeX >> WarpGrid.Bits) * channels;
                var rows = Vector128.Create(Unsafe.ReadUnaligned<ulong>(from), Unsafe.ReadUnaligned<ulong>(from + stride)).AsByte();
                var across = Vector128.Load(pairs + ((placeX >> shift) & mask) * 4).AsByte();
                var down = Vector128.Load(pairs + ((placeY >> shift) & mask) * 4 + 2).AsInt16();
                var sums = Simd.AddProducts(Simd.AddProducts(Vector128.ShuffleNative(rows, squares), across), down);
                Unsafe.WriteUnaligned(target, Simd.LowBytes((sums + half) >> (2 * WarpGrid.PhaseBits)));
                target += channels;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Mix4(
        byte* pixels,
        long stride,
        int channels,
        in Places places,
        WarpWeights weights,
        Vector128<byte> first,
        Vector128<byte> last,
        byte* target
    )
    {
        const int mask = WarpWeights.Phases - 1,
            shift = WarpGrid.Bits - WarpGrid.PhaseBits;
        long* byX = places.ByX,
            byY = places.ByY;
        var (rowX, rowY) = (places.RowX, places.RowY);
        var (taps, before) = (weights.Taps, weights.Before);
        var (half, largest) = (Vector128.Create(0.5f), Vector128.Create(255f));
        fixed (short* columns = weights.Steps)
        fixed (float* rows = weights.Exact)
        {
            for (var x = places.Begin; x < places.End; x++)
            {
                var (placeX, placeY) = (rowX + byX[x], rowY + byY[x]);
                var line = pixels + ((placeY >> WarpGrid.Bits) - before) * stride + ((placeX >> WarpGrid.Bits) - before) * channels;
                var across = (int*)(columns + ((placeX >> shift) & mask) * taps);
                var down = rows + ((placeY >> shift) & mask) * taps;
                var sum = Vector128<float>.Zero;
                for (var k = 0; k < taps; k++, line += stride)
                {
                    var part = Vector128<int>.Zero;
                    for (var j = 0; j < taps; j += 4)
                    {
                        var four = Vector128.Load(line + j * channels);
                        part += Simd.AddProducts(Vector128.ShuffleNative(four, first).AsInt16(), Vector128.Create(across[j / 2]).AsInt16());
                        part += Simd.AddProducts(
                            Vector128.ShuffleNative(four, last).AsInt16(),
                            Vector128.Create(across[j / 2 + 1]).AsInt16()
                        );
                    }
                    sum += Vector128.ConvertToSingle(part) * down[k];
                }
                sum = Vector128.ClampNative(sum * (1f / (1 << WarpWeights.StepBits)), Vector128<float>.Zero, largest) + half;
                Unsafe.WriteUnaligned(target, Simd.LowBytes(Vector128.ConvertToInt32Native(sum)));
                target += channels;
            }
        }
    }
}
