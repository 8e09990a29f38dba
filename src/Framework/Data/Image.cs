using System.Runtime.InteropServices;

namespace Tessera.Framework.Data;

/// <summary>What one channel of one pixel is stored as.</summary>
public enum PixelType
{
    UInt8,
    UInt16,
    Float32,
}

/// <summary>The order of the three colour channels.</summary>
public enum ChannelOrder
{
    Rgb,
    Bgr,
}

/// <summary>Pixels in memory: H x W x C, interleaved, rows without padding.</summary>
public sealed class Image
{
    /// <param name="pixels">Height * width * channels values of the given type, as bytes.</param>
    /// <exception cref="ArgumentException">The buffer's length disagrees with the shape.</exception>
    public Image(int height, int width, int channels, PixelType type, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        if (pixels.LongLength != ByteCount(height, width, channels, type))
            throw new ArgumentException(
                $"{pixels.LongLength} bytes are not an image of {height} x {width} x {channels} {type}.",
                nameof(pixels)
            );
        (Height, Width, Channels, Type, Bytes) = (height, width, channels, type, pixels);
    }

    /// <summary>A black image.</summary>
    public Image(int height, int width, int channels, PixelType type = PixelType.UInt8)
        : this(height, width, channels, type, new byte[ByteCount(height, width, channels, type)]) { }

    public int Height { get; }
    public int Width { get; }
    public int Channels { get; }
    public PixelType Type { get; }

    /// <summary>The raw buffer, [H, W, C].</summary>
    public byte[] Bytes { get; }

    /// <summary>The pixels as values of <typeparamref name="T"/>, [H * W * C].</summary>
    /// <exception cref="InvalidOperationException"><typeparamref name="T"/> is not the image's type.</exception>
    public Span<T> Pixels<T>()
        where T : unmanaged
    {
        var expected = Type switch
        {
            PixelType.UInt8 => typeof(byte),
            PixelType.UInt16 => typeof(ushort),
            _ => typeof(float),
        };
        return typeof(T) == expected
            ? MemoryMarshal.Cast<byte, T>(Bytes.AsSpan())
            : throw new InvalidOperationException($"The image holds {Type}, not {typeof(T).Name}.");
    }

    public Image Clone() => new(Height, Width, Channels, Type, (byte[])Bytes.Clone());

    private static long ByteCount(int height, int width, int channels, PixelType type) =>
        (long)height
        * width
        * channels
        * (
            type switch
            {
                PixelType.UInt8 => 1,
                PixelType.UInt16 => 2,
                _ => 4,
            }
        );
}
