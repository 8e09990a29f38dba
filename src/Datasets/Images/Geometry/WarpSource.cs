using System.Numerics;
using System.Runtime.CompilerServices;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>The pixels that a warp reads, and what lies around them.</summary>
/// <param name="pixels">[height, width, channels].</param>
/// <param name="outside">What lies outside, [channels].</param>
internal readonly unsafe struct WarpSource<T>(T* pixels, int height, int width, int channels, T* outside)
    where T : unmanaged, INumber<T>
{
    /// <summary>Writes columns begin .. end of a row that see nothing of the image.</summary>
    public void Fill(T* row, int begin, int end)
    {
        for (var x = begin; x < end; x++)
        {
            for (var c = 0; c < channels; c++)
                row[(long)x * channels + c] = outside[c];
        }
    }

    /// <summary>Writes columns begin .. end of a row.</summary>
    /// <param name="inside">All their taps lie in the image.</param>
    public void Mix(WarpGrid grid, WarpWeights weights, T* row, int begin, int end, bool inside)
    {
        if (begin >= end)
            return;
        if (weights.Taps == 1)
        {
            Pick(grid, row, begin, end);
            return;
        }
        const int mask = WarpWeights.Phases - 1,
            shift = WarpGrid.Bits - WarpGrid.PhaseBits;
        var taps = weights.Taps;
        // 8 bits are mixed as the vector units do it: weights of columns in steps, so that a row's sum is exact.
        fixed (
            float* columns = typeof(T) == typeof(byte) ? weights.Stepped : weights.Exact,
                rows = weights.Exact
        )
        {
            for (var x = begin; x < end; x++)
            {
                var (placeX, placeY) = (grid.RowX + grid.ByX[x], grid.RowY + grid.ByY[x]);
                var (left, top) = ((int)(placeX >> WarpGrid.Bits) - weights.Before, (int)(placeY >> WarpGrid.Bits) - weights.Before);
                var across = columns + ((int)(placeX >> shift) & mask) * taps;
                var down = rows + ((int)(placeY >> shift) & mask) * taps;
                var target = row + (long)x * channels;
                if (inside)
                    MixInside(pixels + ((long)top * width + left) * channels, across, down, taps, target);
                else
                    MixAtBorder(left, top, across, down, taps, target);
            }
        }
    }

    private void MixInside(T* from, float* across, float* down, int taps, T* target)
    {
        for (var c = 0; c < channels; c++)
        {
            var sum = 0f;
            var line = from + c;
            for (var k = 0; k < taps; k++, line += (long)width * channels)
            {
                var part = 0f;
                for (var j = 0; j < taps; j++)
                    part += across[j] * float.CreateTruncating(line[j * channels]);
                sum += part * down[k];
            }
            target[c] = Round(sum);
        }
    }

    private void MixAtBorder(int left, int top, float* across, float* down, int taps, T* target)
    {
        for (var c = 0; c < channels; c++)
        {
            var sum = 0f;
            for (var k = 0; k < taps; k++)
            {
                var line = (uint)(top + k) < (uint)height ? pixels + (long)(top + k) * width * channels + c : null;
                var part = 0f;
                for (var j = 0; j < taps; j++)
                {
                    var value = line != null && (uint)(left + j) < (uint)width ? line[(long)(left + j) * channels] : outside[c];
                    part += across[j] * float.CreateTruncating(value);
                }
                sum += part * down[k];
            }
            target[c] = Round(sum);
        }
    }

    /// <summary>Copies whole pixels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Pick(WarpGrid grid, T* row, int begin, int end)
    {
        var size = channels * sizeof(T);
        byte* source = (byte*)pixels,
            target = (byte*)(row + (long)begin * channels);
        var stride = (long)width * size;
        var (rowX, rowY) = (grid.RowX, grid.RowY);
        fixed (
            long* byX = grid.ByX,
                byY = grid.ByY
        )
        {
            for (var x = begin; x < end; x++, target += size)
            {
                var place = ((rowY + byY[x]) >> WarpGrid.Bits) * stride + ((rowX + byX[x]) >> WarpGrid.Bits) * size;
                byte* from = source + place,
                    to = target;
                switch (size)
                {
                    case 1:
                        *to = *from;
                        break;
                    case 2:
                        Unsafe.CopyBlockUnaligned(to, from, 2);
                        break;
                    case 3:
                        Unsafe.CopyBlockUnaligned(to, from, 3);
                        break;
                    case 4:
                        Unsafe.CopyBlockUnaligned(to, from, 4);
                        break;
                    default:
                        Unsafe.CopyBlockUnaligned(to, from, (uint)size);
                        break;
                }
            }
        }
    }

    /// <summary>The nearest value of the pixel's type; halves go up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(float value)
    {
        if (typeof(T) == typeof(byte))
            return T.CreateTruncating((byte)(Math.Clamp(value, 0, byte.MaxValue) + 0.5f));
        if (typeof(T) == typeof(ushort))
            return T.CreateTruncating((ushort)(int)(Math.Clamp(value, 0, ushort.MaxValue) + 0.5f));
        return T.CreateTruncating(value);
    }

    /// <inheritdoc cref="Round(float)"/>
    public static T Round(double value) => Round((float)value);
}
