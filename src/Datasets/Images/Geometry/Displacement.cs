using System.Numerics;
using System.Runtime.InteropServices;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>Where each pixel of an image comes from: its own place and a shift of its own.</summary>
/// <param name="across">[H * W], pixels to the right.</param>
/// <param name="down">[H * W], pixels down.</param>
/// <remarks>Pixels are PyTorch's grid_sample with zeros around the image, and torchvision's way to fill what lies outside: of the mixture
/// at the border, the part that the image has counts twice, out = mixed * part + (1 - part) * fill.</remarks>
internal sealed class Displacement(float[] across, float[] down, int height, int width)
{
    private const int Rounds = 20;

    /// <param name="image">[H, W, C].</param>
    /// <param name="nearest">Pick; otherwise mix bilinearly.</param>
    /// <param name="outside">The pixel that fills what lies outside, in the image's own bytes.</param>
    public Image Warp(Image image, bool nearest, ReadOnlySpan<byte> outside)
    {
        var result = PixelLayout.Like(image, height, width);
        if (nearest)
            Pick(image, result, outside);
        else if (image.Type == PixelType.UInt8)
            Mix<byte>(image, result, outside);
        else if (image.Type == PixelType.UInt16)
            Mix<ushort>(image, result, outside);
        else
            Mix<float>(image, result, outside);
        return result;
    }

    /// <summary>The upright box around where the edges of a box go.</summary>
    /// <remarks>A point q of the edges goes to the p with p + shift(p) = q, by repeating p = q - shift(p); points are a pixel
    /// apart.</remarks>
    public void Enclose(ReadOnlySpan<float> box, Span<float> moved)
    {
        (moved[0], moved[1], moved[2], moved[3]) = (float.MaxValue, float.MaxValue, float.MinValue, float.MinValue);
        var columns = (int)Math.Ceiling(Math.Max(1, box[2] - box[0]));
        for (var i = 0; i <= columns; i++)
        {
            var x = box[0] + ((box[2] - box[0]) * i / columns);
            Include(x, box[1], moved);
            Include(x, box[3], moved);
        }
        var rows = (int)Math.Ceiling(Math.Max(1, box[3] - box[1]));
        for (var i = 0; i <= rows; i++)
        {
            var y = box[1] + ((box[3] - box[1]) * i / rows);
            Include(box[0], y, moved);
            Include(box[2], y, moved);
        }
    }

    private void Include(float x, float y, Span<float> moved)
    {
        var (toX, toY) = (x, y);
        for (var round = 0; round < Rounds; round++)
            (toX, toY) = (x - At(across, toX, toY), y - At(down, toX, toY));
        (moved[0], moved[1]) = (Math.Min(moved[0], toX), Math.Min(moved[1], toY));
        (moved[2], moved[3]) = (Math.Max(moved[2], toX), Math.Max(moved[3], toY));
    }

    /// <summary>A shift between pixels' centres; beyond them the border's.</summary>
    private float At(float[] shifts, float x, float y)
    {
        var (placeX, placeY) = (Math.Clamp(x - 0.5f, 0, width - 1), Math.Clamp(y - 0.5f, 0, height - 1));
        var (left, top) = ((int)placeX, (int)placeY);
        var (right, bottom) = (Math.Min(left + 1, width - 1), Math.Min(top + 1, height - 1));
        var (partX, partY) = (placeX - left, placeY - top);
        var upper = shifts[(top * width) + left] + (partX * (shifts[(top * width) + right] - shifts[(top * width) + left]));
        var lower = shifts[(bottom * width) + left] + (partX * (shifts[(bottom * width) + right] - shifts[(bottom * width) + left]));
        return upper + (partY * (lower - upper));
    }

    private void Pick(Image image, Image result, ReadOnlySpan<byte> outside)
    {
        var size = outside.Length;
        for (var i = 0; i < across.Length; i++)
        {
            var x = (int)MathF.Round(Math.Clamp((i % width) + across[i], -2, width + 1));
            var y = (int)MathF.Round(Math.Clamp((i / width) + down[i], -2, height + 1));
            var inside = (uint)x < (uint)width && (uint)y < (uint)height;
            (inside ? image.Bytes.AsSpan(((y * width) + x) * size, size) : outside).CopyTo(result.Bytes.AsSpan(i * size));
        }
    }

    private void Mix<T>(Image image, Image result, ReadOnlySpan<byte> outside)
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> source = image.Pixels<T>(),
            fill = MemoryMarshal.Cast<byte, T>(outside);
        var target = result.Pixels<T>();
        var channels = image.Channels;
        for (var i = 0; i < across.Length; i++)
        {
            var placeX = Math.Clamp((i % width) + across[i], -2, width + 1);
            var placeY = Math.Clamp((i / width) + down[i], -2, height + 1);
            var (left, top) = ((int)MathF.Floor(placeX), (int)MathF.Floor(placeY));
            var (partX, partY) = (placeX - left, placeY - top);
            var (right, bottom) = (left + 1, top + 1);
            // Weights of what lies outside are 0; its pixels are never read.
            float west = (uint)left < (uint)width ? 1 - partX : 0,
                east = (uint)right < (uint)width ? partX : 0,
                north = (uint)top < (uint)height ? 1 - partY : 0,
                south = (uint)bottom < (uint)height ? partY : 0;
            var (x1, x2) = (Math.Clamp(left, 0, width - 1) * channels, Math.Clamp(right, 0, width - 1) * channels);
            var (y1, y2) = (Math.Clamp(top, 0, height - 1) * width * channels, Math.Clamp(bottom, 0, height - 1) * width * channels);
            var part = (west + east) * (north + south);
            for (var c = 0; c < channels; c++)
            {
                var mixed =
                    (Value(source[y1 + x1 + c]) * west * north)
                    + (Value(source[y1 + x2 + c]) * east * north)
                    + (Value(source[y2 + x1 + c]) * west * south)
                    + (Value(source[y2 + x2 + c]) * east * south);
                target[(i * channels) + c] = Round<T>((mixed * part) + ((1 - part) * Value(fill[c])));
            }
        }
    }

    private static float Value<T>(T value)
        where T : unmanaged, INumber<T> => float.CreateTruncating(value);

    private static T Round<T>(float value)
        where T : unmanaged, INumber<T> =>
        typeof(T) == typeof(byte) ? T.CreateTruncating((byte)Math.Clamp(MathF.Round(value), 0, byte.MaxValue))
        : typeof(T) == typeof(ushort) ? T.CreateTruncating((ushort)Math.Clamp(MathF.Round(value), 0, ushort.MaxValue))
        : T.CreateTruncating(value);
}
