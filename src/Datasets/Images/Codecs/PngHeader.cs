using System.Buffers.Binary;

namespace Tessera.Datasets.Images.Codecs;

/// <summary>What the values of a PNG's pixels mean, by the number that its header has for it.</summary>
internal enum PngColor
{
    Gray = 0,
    Rgb = 2,
    Indexed = 3,
    GrayAlpha = 4,
    Rgba = 6,
}

/// <summary>The IHDR chunk, in which every PNG says its size and kind.</summary>
/// <param name="BitDepth">Bits of a value: 1, 2, 4, 8 or 16.</param>
/// <param name="Interlaced">Stored in the seven passes of Adam7.</param>
/// <remarks>W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", 2025, sections 8 and 11.2.1.</remarks>
internal readonly record struct PngHeader(int Height, int Width, int BitDepth, PngColor Color, bool Interlaced)
{
    /// <summary>The bytes of the chunk's content.</summary>
    public const int Size = 13;

    private static readonly PngPass[] Whole = [new(0, 0, 1, 1)];

    private static readonly PngPass[] Adam7 =
    [
        new(0, 0, 8, 8),
        new(0, 4, 8, 8),
        new(4, 0, 8, 4),
        new(0, 2, 4, 4),
        new(2, 0, 4, 2),
        new(0, 1, 2, 2),
        new(1, 0, 2, 1),
    ];

    public int Channels =>
        Color switch
        {
            PngColor.Rgb => 3,
            PngColor.Rgba => 4,
            PngColor.GrayAlpha => 2,
            _ => 1,
        };

    /// <summary>From one byte to the byte that its row filter looks back at.</summary>
    public int FilterDistance => Math.Max(1, Channels * BitDepth / 8);

    /// <summary>The bytes of one pixel once values of less than 8 bits have a byte each.</summary>
    public int PixelSize => FilterDistance;

    /// <summary>The reduced images of which the file consists, one after the other; a small picture leaves some empty.</summary>
    public IReadOnlyList<PngPass> Passes => Interlaced ? Adam7 : Whole;

    /// <summary>The bytes of a row of so many pixels, without its filter byte.</summary>
    public long Stride(int width) => ((long)width * Channels * BitDepth + 7) / 8;

    /// <summary>The bytes of all rows, filter bytes included: what decompression gives.</summary>
    public Int128 DataSize
    {
        get
        {
            Int128 size = 0; // 2^31 rows of 2^34 bytes don't fit into 64 bits
            foreach (var pass in Passes)
            {
                var (height, width) = pass.Of(Height, Width);
                if (height > 0 && width > 0)
                    size += (Int128)height * (1 + Stride(width));
            }
            return size;
        }
    }

    /// <exception cref="Framework.Errors.UserErrorException">A value that PNG doesn't have.</exception>
    public static PngHeader Read(ReadOnlySpan<byte> content, string name)
    {
        if (content.Length != Size)
            throw ImageErrors.Damaged(name, "PNG", $"a header of {content.Length} bytes");
        var (width, height) = (BinaryPrimitives.ReadInt32BigEndian(content), BinaryPrimitives.ReadInt32BigEndian(content[4..]));
        var (depth, color, compression, filter, interlace) = (content[8], content[9], content[10], content[11], content[12]);
        if (width <= 0 || height <= 0)
            throw ImageErrors.Damaged(name, "PNG", $"{(uint)width} x {(uint)height} pixels");
        var known = (PngColor)color switch
        {
            PngColor.Gray => depth is 1 or 2 or 4 or 8 or 16,
            PngColor.Indexed => depth is 1 or 2 or 4 or 8,
            PngColor.Rgb or PngColor.GrayAlpha or PngColor.Rgba => depth is 8 or 16,
            _ => false,
        };
        if (!known)
            throw ImageErrors.Damaged(name, "PNG", $"color type {color} with {depth} bits");
        if (compression != 0 || filter != 0 || interlace > 1)
            throw ImageErrors.Damaged(name, "PNG", $"compression {compression}, filter {filter}, interlace {interlace}");
        return new PngHeader(height, width, depth, (PngColor)color, interlace == 1);
    }
}

/// <summary>Every <paramref name="StepX"/>th pixel of every <paramref name="StepY"/>th row, from (Y, X) on.</summary>
internal readonly record struct PngPass(int Y, int X, int StepY, int StepX)
{
    /// <summary>How many rows and columns of an image the pass has; possibly none.</summary>
    public (int Height, int Width) Of(int height, int width) =>
        ((int)(((long)height - Y + StepY - 1) / StepY), (int)(((long)width - X + StepX - 1) / StepX));
}
