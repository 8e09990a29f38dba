using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Undoes the five row filters: each byte was stored as its difference from what its neighbours let expect.</summary>
/// <remarks>
/// PNG, third edition, section 9. Sub, Average and Paeth need the pixel to the left, so that one pixel is made a step, all its
/// bytes at once. Single bytes go through registers as well: which neighbour is nearest can't be foretold, and there no jump is needed.
/// </remarks>
internal static class PngFilter
{
    public const int None = 0,
        Sub = 1,
        Up = 2,
        Average = 3,
        Paeth = 4;

    /// <param name="row">The stored bytes.</param>
    /// <param name="prior">The row above, undone; zeros above the first.</param>
    /// <param name="target">Where the values go. All three are equally long.</param>
    /// <param name="distance">Bytes of a pixel: 1, 2, 3, 4, 6 or 8; the length is a multiple of it.</param>
    /// <returns>False for a filter that PNG doesn't have.</returns>
    public static bool Undo(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target, int distance)
    {
        // The loops below read and write by reference: these checks are what keeps them inside.
        if (prior.Length != row.Length || target.Length != row.Length || row.Length % distance != 0)
            throw new ArgumentException("The rows differ in length, or a pixel is cut.", nameof(row));
        switch (filter)
        {
            case None:
                row.CopyTo(target);
                return true;
            case Up:
                UndoUp(row, prior, target);
                return true;
            case Sub or Average or Paeth:
                break;
            default:
                return false;
        }
        switch (distance)
        {
            case 1:
                UndoPixels<Pixel1>(filter, row, prior, target);
                break;
            case 2:
                UndoPixels<Pixel2>(filter, row, prior, target);
                break;
            case 3:
                UndoPixels<Pixel3>(filter, row, prior, target);
                break;
            case 4:
                UndoPixels<Pixel4>(filter, row, prior, target);
                break;
            case 6:
                UndoPixels<Pixel6>(filter, row, prior, target);
                break;
            case 8:
                UndoPixels<Pixel8>(filter, row, prior, target);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(distance));
        }
        return true;
    }

    /// <summary>The neighbour nearest to left + above - corner: left before above before corner.</summary>
    public static int Predict(int left, int above, int corner)
    {
        var (byLeft, byAbove, byCorner) = (Math.Abs(above - corner), Math.Abs(left - corner), Math.Abs(left + above - 2 * corner));
        return byLeft <= byAbove && byLeft <= byCorner ? left
            : byAbove <= byCorner ? above
            : corner;
    }

    private static void UndoUp(ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target)
    {
        var i = 0;
        ref var s = ref MemoryMarshal.GetReference(row);
        ref var up = ref MemoryMarshal.GetReference(prior);
        ref var to = ref MemoryMarshal.GetReference(target);
        for (; i + Vector256<byte>.Count <= row.Length; i += Vector256<byte>.Count)
            (Vector256.LoadUnsafe(ref s, (nuint)i) + Vector256.LoadUnsafe(ref up, (nuint)i)).StoreUnsafe(ref to, (nuint)i);
        for (; i < row.Length; i++)
            target[i] = (byte)(row[i] + prior[i]);
    }

    private static void UndoPixels<TPixel>(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target)
        where TPixel : IPixel
    {
        switch (filter)
        {
            case Sub:
                UndoEach<TPixel, SubStep>(row, prior, target);
                break;
            case Average:
                UndoEach<TPixel, AverageStep>(row, prior, target);
                break;
            default:
                UndoEach<TPixel, PaethStep>(row, prior, target);
                break;
        }
    }

    /// <summary>Carries the pixels to the left and above it in words of 16 bits, whose upper bytes stay 0.</summary>
    private static void UndoEach<TPixel, TStep>(ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target)
        where TPixel : IPixel
        where TStep : IStep
    {
        ref var s = ref MemoryMarshal.GetReference(row);
        ref var up = ref MemoryMarshal.GetReference(prior);
        ref var to = ref MemoryMarshal.GetReference(target);
        var (left, corner) = (Vector128<short>.Zero, Vector128<short>.Zero);
        var i = 0;
        // A store may reach into the next pixel, which then overwrites it.
        for (; i + TPixel.Reach <= row.Length; i += TPixel.Size)
        {
            var above = Widen(TPixel.Load(ref Unsafe.Add(ref up, i)));
            var expected = TStep.Predict(left, above, corner);
            corner = above;
            left = (Widen(TPixel.Load(ref Unsafe.Add(ref s, i))).AsByte() + expected.AsByte()).AsInt16();
            TPixel.Store(Vector128.Narrow(left.AsUInt16(), left.AsUInt16()), ref Unsafe.Add(ref to, i));
        }
        if (i == row.Length)
            return;
        var last = Widen(LoadLast(row[i..])).AsByte() + TStep.Predict(left, Widen(LoadLast(prior[i..])), corner).AsByte();
        var bytes = Vector128.Narrow(last.AsUInt16(), last.AsUInt16());
        for (var b = 0; i + b < target.Length; b++)
            target[i + b] = bytes[b];
    }

    private static Vector128<short> Widen(Vector128<byte> bytes) => Vector128.WidenLower(bytes).AsInt16();

    private static Vector128<byte> LoadLast(ReadOnlySpan<byte> pixel)
    {
        Span<byte> padded = stackalloc byte[Vector128<byte>.Count];
        padded.Clear();
        pixel.CopyTo(padded);
        return Vector128.Create<byte>(padded);
    }

    private interface IStep
    {
        /// <summary>What is added to the stored pixel; from 0 to 255 in each word.</summary>
        static abstract Vector128<short> Predict(Vector128<short> left, Vector128<short> above, Vector128<short> corner);
    }

    private readonly struct SubStep : IStep
    {
        public static Vector128<short> Predict(Vector128<short> left, Vector128<short> above, Vector128<short> corner) => left;
    }

    private readonly struct AverageStep : IStep
    {
        public static Vector128<short> Predict(Vector128<short> left, Vector128<short> above, Vector128<short> corner) =>
            (left + above) >>> 1;
    }

    /// <summary>
    /// As <see cref="PngFilter.Predict"/>, in fewer steps that wait for the left pixel. Let lo and hi be the lesser and the greater
    /// of left and above. Where the corner lies between them, left + above - corner is corner - lo away from hi, hi - corner from lo,
    /// and the difference of these two from the corner: hi is nearest where 2 (corner - lo) is at most hi - corner, lo where
    /// 2 (hi - corner) is at most corner - lo. Where the corner lies outside, the same comparisons choose rightly too.
    /// </summary>
    private readonly struct PaethStep : IStep
    {
        public static Vector128<short> Predict(Vector128<short> left, Vector128<short> above, Vector128<short> corner)
        {
            var beyond = corner + corner + corner - above - left;
            var (lo, hi) = (Vector128.Min(left, above), Vector128.Max(left, above));
            var nearest = Vector128.ConditionalSelect(Vector128.GreaterThan(hi, beyond), corner, lo);
            return Vector128.ConditionalSelect(Vector128.GreaterThan(beyond, lo), nearest, hi);
        }
    }

    private interface IPixel
    {
        static abstract int Size { get; }

        /// <summary>The bytes that <see cref="Load"/> and <see cref="Store"/> touch, at least <see cref="Size"/>.</summary>
        static abstract int Reach { get; }

        static abstract Vector128<byte> Load(ref byte at);

        static abstract void Store(Vector128<byte> pixel, ref byte at);
    }

    private readonly struct Pixel1 : IPixel
    {
        public static int Size => 1;
        public static int Reach => 1;

        public static Vector128<byte> Load(ref byte at) => Vector128.CreateScalar(at);

        public static void Store(Vector128<byte> pixel, ref byte at) => at = pixel.ToScalar();
    }

    private readonly struct Pixel2 : IPixel
    {
        public static int Size => 2;
        public static int Reach => 2;

        public static Vector128<byte> Load(ref byte at) => Vector128.CreateScalar(Unsafe.ReadUnaligned<ushort>(ref at)).AsByte();

        public static void Store(Vector128<byte> pixel, ref byte at) => Unsafe.WriteUnaligned(ref at, pixel.AsUInt16().ToScalar());
    }

    private readonly struct Pixel3 : IPixel
    {
        public static int Size => 3;
        public static int Reach => 4;

        public static Vector128<byte> Load(ref byte at) => Pixel4.Load(ref at);

        public static void Store(Vector128<byte> pixel, ref byte at) => Pixel4.Store(pixel, ref at);
    }

    private readonly struct Pixel4 : IPixel
    {
        public static int Size => 4;
        public static int Reach => 4;

        public static Vector128<byte> Load(ref byte at) => Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(ref at)).AsByte();

        public static void Store(Vector128<byte> pixel, ref byte at) => Unsafe.WriteUnaligned(ref at, pixel.AsUInt32().ToScalar());
    }

    private readonly struct Pixel6 : IPixel
    {
        public static int Size => 6;
        public static int Reach => 8;

        public static Vector128<byte> Load(ref byte at) => Pixel8.Load(ref at);

        public static void Store(Vector128<byte> pixel, ref byte at) => Pixel8.Store(pixel, ref at);
    }

    private readonly struct Pixel8 : IPixel
    {
        public static int Size => 8;
        public static int Reach => 8;

        public static Vector128<byte> Load(ref byte at) => Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(ref at)).AsByte();

        public static void Store(Vector128<byte> pixel, ref byte at) => Unsafe.WriteUnaligned(ref at, pixel.AsUInt64().ToScalar());
    }
}
