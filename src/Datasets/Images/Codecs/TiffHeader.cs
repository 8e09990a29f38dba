namespace Tessera.Datasets.Images.Codecs;

/// <summary>What the first directory of a TIFF file says of its picture, checked.</summary>
/// <remarks>Adobe, "TIFF Revision 6.0", 1992, and "TIFF Technical Notes", 2002 (deflate).</remarks>
internal sealed record TiffHeader
{
    /// <summary>A picture may be smaller than one of its tiles, but not by any factor.</summary>
    private const long SmallestTileLimit = 4L << 20;

    /// <summary>RGB, transparency and one more that is left out; an image of many spectral bands is not a picture with some to be
    /// dropped.</summary>
    private const int MostSamples = 5;

    private static readonly Dictionary<int, string> OtherCompressions = new()
    {
        [2] = "CCITT",
        [3] = "CCITT group 3",
        [4] = "CCITT group 4",
        [6] = "JPEG",
        [7] = "JPEG",
        [34712] = "JPEG 2000",
        [34925] = "LZMA",
        [50000] = "Zstandard",
        [50001] = "WebP",
    };

    private static readonly Dictionary<int, string> OtherColors = new()
    {
        [4] = "mask",
        [5] = "CMYK",
        [6] = "YCbCr",
        [8] = "CIE L*a*b*",
        [9] = "CIE L*a*b*",
        [32803] = "raw sensor",
    };

    public required int Height { get; init; }
    public required int Width { get; init; }

    /// <summary>1, 2, 4, 8 or 16 per sample.</summary>
    public required int Bits { get; init; }

    /// <summary>Samples of a pixel as stored, extra ones included.</summary>
    public required int Samples { get; init; }

    public required TiffColors Colors { get; init; }

    /// <summary>The first sample after the colours is transparency.</summary>
    public required bool HasAlpha { get; init; }

    /// <summary>The colours have been multiplied by it.</summary>
    public required bool Premultiplied { get; init; }

    /// <summary>Each sample of all pixels has strips or tiles of its own.</summary>
    public required bool Separate { get; init; }

    public required bool Tiled { get; init; }

    /// <summary>Rows of a strip or a tile.</summary>
    public required int ChunkHeight { get; init; }

    /// <summary>Columns of a tile; the width where there are strips.</summary>
    public required int ChunkWidth { get; init; }

    public required int Orientation { get; init; }

    /// <summary>All reds, all greens, all blues, of 16 bits; empty without a palette.</summary>
    public required IReadOnlyList<long> Palette { get; init; }

    /// <summary>1 for gray and palettes, 3 for colours, and one more for transparency.</summary>
    public int Channels => (Colors == TiffColors.Rgb ? 3 : 1) + (HasAlpha ? 1 : 0);

    /// <summary>Bytes of a decoded row of a strip or a tile.</summary>
    public long RowBytes => ((long)ChunkWidth * Bits * (Separate ? 1 : Samples) + 7) / 8;

    public static TiffHeader Read(ReadOnlySpan<byte> data, string name)
    {
        var directory = TiffDirectory.Read(data, name);
        var (height, width) = (directory.One(TiffTags.Height, 0), directory.One(TiffTags.Width, 0));
        if (height is <= 0 or > int.MaxValue || width is <= 0 or > int.MaxValue)
            throw ImageErrors.Damaged(name, "TIFF", $"{width} x {height} pixels");
        RefuseOthers(directory, name);
        var (bits, samples) = Depth(directory, name);
        var colors = ReadColors(directory, bits, samples, name);
        var extra = samples > (colors == TiffColors.Rgb ? 3 : 1) ? directory.One(TiffTags.ExtraSamples, 0) : 0;
        var tiled = directory.Has(TiffTags.TileWidth);
        var rows = tiled ? directory.One(TiffTags.TileHeight, 0) : Math.Min(height, directory.One(TiffTags.RowsPerStrip, height));
        var columns = tiled ? directory.One(TiffTags.TileWidth, 0) : width;
        if (
            rows <= 0
            || columns <= 0
            || Math.Max(rows, columns) > int.MaxValue
            || (tiled && (double)rows * columns > Math.Max(SmallestTileLimit, 4.0 * height * width))
        )
            throw ImageErrors.Damaged(name, "TIFF", $"{(tiled ? "tiles" : "strips")} of {columns} x {rows} pixels");
        var orientation = directory.One(TiffTags.Orientation, 1);
        var header = new TiffHeader
        {
            Height = (int)height,
            Width = (int)width,
            Bits = bits,
            Samples = samples,
            Colors = colors,
            HasAlpha = extra is 1 or 2,
            Premultiplied = extra == 1,
            Separate = samples > 1 && directory.One(TiffTags.PlanarConfiguration, 1) == 2,
            Tiled = tiled,
            ChunkHeight = (int)rows,
            ChunkWidth = (int)columns,
            Orientation = orientation is >= 1 and <= 8 ? (int)orientation : 1,
            Palette = colors == TiffColors.Palette ? directory.All(TiffTags.ColorMap) : [],
        };
        header.CheckChunks(directory, data.Length, name);
        return header;
    }

    private static void RefuseOthers(TiffDirectory directory, string name)
    {
        var compression = (int)Math.Min(int.MaxValue, directory.One(TiffTags.Compression, 1));
        if (compression is not (1 or 5 or 8 or 32773 or 32946))
            throw ImageErrors.Unsupported(
                name,
                $"a TIFF with {OtherCompressions.GetValueOrDefault(compression, $"unknown ({compression})")} compression",
                "Uncompressed, LZW, deflate and PackBits ones are read; convert it."
            );
        var kind = directory.One(TiffTags.SampleFormat, 1);
        if (kind is not (1 or 4))
            throw ImageErrors.Unsupported(
                name,
                $"a TIFF of {(kind == 3 ? "floating-point" : "signed or complex")} values",
                "Unsigned integers of up to 16 bits were expected; convert it."
            );
    }

    private static (int Bits, int Samples) Depth(TiffDirectory directory, string name)
    {
        var samples = directory.One(TiffTags.SamplesPerPixel, 1);
        var depths = directory.Has(TiffTags.BitsPerSample) ? directory.All(TiffTags.BitsPerSample) : [1];
        var bits = depths.Count > 0 ? depths[0] : 0;
        if (samples is < 1 or > 64 || bits is < 1 or > 64)
            throw ImageErrors.Damaged(name, "TIFF", $"{samples} samples of {bits} bits");
        if (
            bits is not (1 or 2 or 4 or 8 or 16)
            || depths.Any(other => other != bits)
            || (bits < 8 && samples > 1)
            || samples > MostSamples
        )
            throw ImageErrors.Unsupported(
                name,
                $"a TIFF of {samples} x {string.Join("/", depths.Distinct().Take(4))} bits per pixel",
                "1 to 5 samples of 8 or 16 bits, or one of 1, 2 or 4 bits, were expected; convert it."
            );
        return ((int)bits, (int)samples);
    }

    private static TiffColors ReadColors(TiffDirectory directory, int bits, int samples, string name)
    {
        var photometric = directory.One(TiffTags.Photometric, -1);
        if (photometric is < 0 or > 3)
        {
            if (photometric < 0)
                throw ImageErrors.Damaged(name, "TIFF", "nothing says what its values mean");
            var what = OtherColors.GetValueOrDefault((int)Math.Min(int.MaxValue, photometric), $"unknown ({photometric})");
            throw ImageErrors.Unsupported(name, $"a TIFF of {what} colours", "Gray, RGB and palettes are read; convert it.");
        }
        var colors = (TiffColors)photometric;
        if (colors == TiffColors.Rgb && samples < 3)
            throw ImageErrors.Damaged(name, "TIFF", $"RGB of {samples} samples");
        if (colors == TiffColors.Palette && (bits > 8 || samples > 1 || directory.All(TiffTags.ColorMap).Count != 3 << bits))
            throw ImageErrors.Damaged(name, "TIFF", $"a palette that doesn't fit {bits} bits");
        return colors;
    }

    /// <summary>
    /// Every strip or tile is there, inside the file; together they are no larger than it, so that no piece of data is
    /// decoded again and again.
    /// </summary>
    private void CheckChunks(TiffDirectory directory, int fileLength, string name)
    {
        var offsets = directory.All(Tiled ? TiffTags.TileOffsets : TiffTags.StripOffsets);
        var lengths = directory.All(Tiled ? TiffTags.TileByteCounts : TiffTags.StripByteCounts);
        var expected =
            (((long)Height + ChunkHeight - 1) / ChunkHeight) * (((long)Width + ChunkWidth - 1) / ChunkWidth) * (Separate ? Samples : 1);
        if (offsets.Count < expected || lengths.Count < expected)
            throw ImageErrors.Damaged(
                name,
                "TIFF",
                $"{Math.Min(offsets.Count, lengths.Count)} of {expected} {(Tiled ? "tiles" : "strips")}"
            );
        var sum = 0L;
        for (var i = 0; i < (int)expected; i++)
        {
            if (offsets[i] + lengths[i] > fileLength)
                throw ImageErrors.Truncated(name, "TIFF");
            sum += lengths[i];
        }
        if (sum > fileLength)
            throw ImageErrors.Damaged(name, "TIFF", $"{(Tiled ? "tiles" : "strips")} that overlap");
    }
}

/// <summary>What the values mean. The numbers are the format's.</summary>
internal enum TiffColors
{
    WhiteIsZero = 0,
    BlackIsZero = 1,
    Rgb = 2,
    Palette = 3,
}
