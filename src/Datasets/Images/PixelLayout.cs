using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Images;

/// <summary>Moves whole pixels: mirrors, quarter turns, crops. Any channel count and type.</summary>
public static class PixelLayout
{
    // The five pixels of three bytes in the last 15 of 16 bytes, in reverse order.
    private static Vector128<byte> ReverseFive => Vector128.Create((byte)13, 14, 15, 10, 11, 12, 7, 8, 9, 4, 5, 6, 1, 2, 3, 0xFF);

    /// <summary>The bytes of one pixel.</summary>
    public static int PixelSize(this Image image) => image.Channels * ValueSize(image.Type);

    /// <summary>The bytes of one value.</summary>
    public static int ValueSize(PixelType type) =>
        type switch
        {
            PixelType.UInt8 => 1,
            PixelType.UInt16 => 2,
            _ => 4,
        };

    public static Image FlipHorizontal(Image image)
    {
        var result = Like(image, image.Height, image.Width);
        var size = image.PixelSize();
        var stride = image.Width * size;
        for (var y = 0; y < image.Height; y++)
            ReverseRow(image.Bytes.AsSpan(y * stride, stride), result.Bytes.AsSpan(y * stride, stride), size);
        return result;
    }

    public static Image FlipVertical(Image image)
    {
        var result = Like(image, image.Height, image.Width);
        var stride = image.Width * image.PixelSize();
        for (var y = 0; y < image.Height; y++)
            image.Bytes.AsSpan(y * stride, stride).CopyTo(result.Bytes.AsSpan((image.Height - 1 - y) * stride));
        return result;
    }

    /// <summary>Turns and mirrors a stored picture into the one that its EXIF orientation means.</summary>
    /// <param name="orientation">1 as it is, 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 transposed, 6 turned clockwise, 7
    /// transposed over the other diagonal, 8 turned counterclockwise.</param>
    public static Image Orient(Image image, int orientation)
    {
        switch (orientation)
        {
            case 2:
                return FlipHorizontal(image);
            case 3:
                return FlipVertical(FlipHorizontal(image));
            case 4:
                return FlipVertical(image);
            case 5 or 6 or 7 or 8:
                break;
            default:
                return image;
        }
        var size = image.PixelSize();
        var (height, width) = (image.Width, image.Height);
        var result = Like(image, height, width);
        // The source pixel of target (y, x): begin + y * down + x * right.
        var stride = (long)image.Width * size;
        var fromBottom = orientation is 6 or 7;
        var fromRight = orientation is 7 or 8;
        var begin = (fromBottom ? (image.Height - 1) * stride : 0) + (fromRight ? stride - size : 0);
        var right = fromBottom ? -stride : stride;
        var down = fromRight ? -size : size;
        var source = image.Bytes.AsSpan();
        var target = result.Bytes.AsSpan();
        for (var y = 0; y < height; y++)
        {
            var at = begin + (long)y * down;
            for (var x = 0; x < width; x++, at += right)
            {
                for (var b = 0; b < size; b++)
                    target[(y * width + x) * size + b] = source[(int)at + b];
            }
        }
        return result;
    }

    /// <summary>The part of the image that begins at (top, left). It must lie inside.</summary>
    public static Image Crop(Image image, int top, int left, int height, int width)
    {
        if (top < 0 || left < 0 || top + height > image.Height || left + width > image.Width)
            throw new ArgumentOutOfRangeException(
                nameof(top),
                $"A crop of {height} x {width} at ({top}, {left}) leaves the image of {image.Height} x {image.Width}."
            );
        if (height == image.Height && width == image.Width)
            return image;
        var result = Like(image, height, width);
        var size = image.PixelSize();
        for (var y = 0; y < height; y++)
            image.Bytes.AsSpan(((top + y) * image.Width + left) * size, width * size).CopyTo(result.Bytes.AsSpan(y * width * size));
        return result;
    }

    /// <summary>An uninitialised image of the same channels and type.</summary>
    internal static Image Like(Image image, int height, int width) => Create(height, width, image.Channels, image.Type);

    internal static Image Create(int height, int width, int channels, PixelType type) =>
        new(height, width, channels, type, PixelBuffers.Rent(checked(height * width * channels * ValueSize(type))));

    private static void ReverseRow(ReadOnlySpan<byte> source, Span<byte> target, int size)
    {
        switch (size)
        {
            case 1:
                source.CopyTo(target);
                target.Reverse();
                return;
            case 2:
                source.CopyTo(target);
                MemoryMarshal.Cast<byte, ushort>(target).Reverse();
                return;
            case 4:
                source.CopyTo(target);
                MemoryMarshal.Cast<byte, uint>(target).Reverse();
                return;
        }
        var x = 0; // in the target
        if (size == 3 && Vector128.IsHardwareAccelerated)
        {
            ref var from = ref MemoryMarshal.GetReference(source);
            ref var to = ref MemoryMarshal.GetReference(target);
            // Each store's 16th byte is overwritten by what follows.
            for (; x + 16 <= source.Length; x += 15)
                Vector128
                    .Shuffle(Vector128.LoadUnsafe(ref from, (nuint)(source.Length - x - 16)), ReverseFive)
                    .StoreUnsafe(ref to, (nuint)x);
        }
        for (; x < source.Length; x += size)
            source.Slice(source.Length - x - size, size).CopyTo(target[x..]);
    }
}
