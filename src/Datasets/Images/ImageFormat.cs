namespace Tessera.Datasets.Images;

/// <summary>File formats that can be read.</summary>
public enum ImageFormat
{
    Jpeg,
    Png,
    WebP,
    Bmp,
    Tiff,
}

/// <summary>What the pixels of a file become.</summary>
public enum ColorType
{
    /// <summary>8-bit RGB: gray is repeated, transparency dropped, a palette looked up, 16 bits cut to their upper 8.</summary>
    Color,

    /// <summary>8-bit gray; colours are weighted 0.299, 0.587, 0.114.</summary>
    Grayscale,

    /// <summary>
    /// The file's own channels (1, 2, 3 or 4) and depth (8 or 16 bits); a palette is looked up, a transparent colour or
    /// opacities become an alpha channel, CMYK becomes RGB.
    /// </summary>
    Unchanged,

    /// <summary>One channel of stored values, for label maps: a palette's indices or gray values, never rescaled.</summary>
    Index,
}

/// <summary>What decodes JPEG files. The pixels are the same.</summary>
public enum JpegDecoder
{
    /// <summary>
    /// As the environment variable TESSERA_JPEG_DECODER says ("skia" or "turbojpeg"); without it, libjpeg-turbo where the
    /// system has it, otherwise Skia.
    /// </summary>
    Auto,

    /// <summary>The decoder of SkiaSharp, which is always there.</summary>
    Skia,

    /// <summary>
    /// libjpeg-turbo of the system, faster; an error where it isn't found or gives other pixels than Skia's decoder. CMYK and
    /// unusual subsamplings are still left to Skia.
    /// </summary>
    TurboJpeg,
}

/// <param name="ColorType">What the pixels become.</param>
/// <param name="MaxPixels">Images that say they have more pixels are refused before memory is taken.</param>
/// <param name="ApplyOrientation">Turn the image as its EXIF orientation says.</param>
/// <param name="JpegDecoder">What decodes JPEG files; speed alone depends on it.</param>
public sealed record DecodeOptions(
    ColorType ColorType = ColorType.Color,
    long MaxPixels = DecodeOptions.DefaultMaxPixels,
    bool ApplyOrientation = true,
    JpegDecoder JpegDecoder = JpegDecoder.Auto
)
{
    /// <summary>Pillow's limit for what it calls a decompression bomb.</summary>
    public const long DefaultMaxPixels = 178_956_970;
}
