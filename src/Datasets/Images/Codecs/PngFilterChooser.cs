using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>Filters a row by None, Sub, Up and Paeth and takes the one whose differences are smallest in sum.</summary>
/// <remarks>The heuristic of PNG, third edition, section 12.7. Average is left out: it seldom wins, and trying it costs time.</remarks>
/// <param name="length">Bytes of a row.</param>
/// <param name="distance">Bytes of a pixel.</param>
internal sealed class PngFilterChooser(int length, int distance)
{
    // Sums of up to 256 a step, in words: carried over before they overflow.
    private const int StepsBeforeCarry = 255;

    private readonly byte[] _sub = new byte[length],
        _up = new byte[length],
        _paeth = new byte[length];

    /// <param name="row">The row's bytes.</param>
    /// <param name="prior">The row above; zeros above the first.</param>
    /// <param name="target">The filter's number and the differences.</param>
    public void Filter(ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior, Span<byte> target)
    {
        Differences(row, prior);
        var (best, least) = (PngFilter.Up, Sum(_up));
        Consider(PngFilter.Paeth, _paeth);
        Consider(PngFilter.Sub, _sub);
        Consider(PngFilter.None, row);
        target[0] = (byte)best;
        (
            best switch
            {
                PngFilter.Up => _up,
                PngFilter.Paeth => _paeth,
                PngFilter.Sub => _sub,
                _ => row,
            }
        ).CopyTo(target[1..]);

        void Consider(int filter, ReadOnlySpan<byte> differences)
        {
            var sum = Sum(differences);
            if (sum < least)
                (best, least) = (filter, sum);
        }
    }

    private void Differences(ReadOnlySpan<byte> row, ReadOnlySpan<byte> prior)
    {
        if (row.Length != length || prior.Length != length)
            throw new ArgumentException($"Rows of {length} bytes were expected.", nameof(row));
        var i = 0;
        for (; i < distance; i++) // nothing to the left
            (_sub[i], _up[i], _paeth[i]) = (row[i], (byte)(row[i] - prior[i]), (byte)(row[i] - prior[i]));
        ref var x = ref MemoryMarshal.GetReference(row);
        ref var up = ref MemoryMarshal.GetReference(prior);
        for (; i + Vector128<byte>.Count <= length; i += Vector128<byte>.Count)
        {
            var value = Vector128.LoadUnsafe(ref x, (nuint)i);
            var left = Vector128.LoadUnsafe(ref x, (nuint)(i - distance));
            var above = Vector128.LoadUnsafe(ref up, (nuint)i);
            var corner = Vector128.LoadUnsafe(ref up, (nuint)(i - distance));
            (value - left).CopyTo(_sub, i);
            (value - above).CopyTo(_up, i);
            (value - Predict(left, above, corner)).CopyTo(_paeth, i);
        }
        for (; i < length; i++)
        {
            var (left, above, corner) = (row[i - distance], prior[i], prior[i - distance]);
            (_sub[i], _up[i]) = ((byte)(row[i] - left), (byte)(row[i] - above));
            _paeth[i] = (byte)(row[i] - PngFilter.Predict(left, above, corner));
        }
    }

    /// <summary>
    /// As <see cref="PngFilter.Predict"/>, in bytes: the magnitude of left + above - 2 corner is the sum of those of left - corner
    /// and above - corner or, where their signs differ, the distance of the two.
    /// </summary>
    private static Vector128<byte> Predict(Vector128<byte> left, Vector128<byte> above, Vector128<byte> corner)
    {
        var (byLeft, byAbove) = (Distance(above, corner), Distance(left, corner));
        var sameSign = Vector128.Equals(Vector128.GreaterThanOrEqual(above, corner), Vector128.GreaterThanOrEqual(left, corner));
        // Where the sum is cut to 255, it is at least as large as either part all the same, which is what counts.
        var byCorner = Vector128.ConditionalSelect(sameSign, Vector128.AddSaturate(byLeft, byAbove), Distance(byLeft, byAbove));
        var nearerThanLeft = Vector128.LessThan(Vector128.Min(byAbove, byCorner), byLeft);
        var nearest = Vector128.ConditionalSelect(Vector128.LessThanOrEqual(byAbove, byCorner), above, corner);
        return Vector128.ConditionalSelect(nearerThanLeft, nearest, left);
    }

    private static Vector128<byte> Distance(Vector128<byte> a, Vector128<byte> b) => Vector128.Max(a, b) - Vector128.Min(a, b);

    /// <summary>Of the magnitudes, each byte taken as signed.</summary>
    private static long Sum(ReadOnlySpan<byte> differences)
    {
        ref var from = ref MemoryMarshal.GetReference(differences);
        long sum = 0;
        var i = 0;
        while (i + Vector128<byte>.Count <= differences.Length)
        {
            var words = Vector128<ushort>.Zero;
            for (
                var step = 0;
                step < StepsBeforeCarry && i + Vector128<byte>.Count <= differences.Length;
                step++, i += Vector128<byte>.Count
            )
            {
                var bytes = Vector128.Abs(Vector128.LoadUnsafe(ref from, (nuint)i).AsSByte()).AsByte();
                words += Vector128.WidenLower(bytes) + Vector128.WidenUpper(bytes);
            }
            sum += Vector128.Sum(Vector128.WidenLower(words) + Vector128.WidenUpper(words));
        }
        for (; i < differences.Length; i++)
            sum += Math.Abs((int)(sbyte)differences[i]);
        return sum;
    }
}
