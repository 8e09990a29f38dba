using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Native;

/// <summary>libspng's interface, version 0.7.</summary>
internal static partial class SpngNative
{
    internal const int ContextEncoder = 2;
    internal const int FormatPng = 256; // the file's own channels; 16 bits in host order
    internal const int ColorGray = 0;
    internal const int ColorRgb = 2;
    internal const int ColorIndexed = 3;
    internal const int ColorGrayAlpha = 4;
    internal const int ColorRgba = 6;
    internal const int EncodeFinalize = 2;
    internal const int OptionCompressionLevel = 2;
    internal const int OptionEncodeToBuffer = 12;

    static SpngNative() => NativeLibraries.Ready();

    [StructLayout(LayoutKind.Sequential)]
    internal struct Header
    {
        public uint Width, Height;
        public byte BitDepth, ColorType, CompressionMethod, FilterMethod, InterlaceMethod;
    }

    [InlineArray(1024)]
    internal struct PaletteEntries
    {
        private byte _first;
    }

    /// <summary>256 entries of red, green, blue and a byte that libspng keeps for itself.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Palette
    {
        public uint Count;
        public PaletteEntries Entries;
    }

    [InlineArray(256)]
    internal struct PaletteAlpha
    {
        private byte _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Transparency
    {
        public ushort Gray, Red, Green, Blue;
        public uint Count;
        public PaletteAlpha Alpha;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Exif
    {
        public nuint Length;
        public nint Data;
    }

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial nint spng_ctx_new(int flags);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial void spng_ctx_free(nint context);

    [LibraryImport(NativeLibraries.Spng)]
    internal static unsafe partial int spng_set_png_buffer(nint context, byte* data, nuint size);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_set_image_limits(nint context, uint width, uint height);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_set_chunk_limits(nint context, nuint chunkSize, nuint cacheSize);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_get_ihdr(nint context, out Header header);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_get_plte(nint context, out Palette palette);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_get_trns(nint context, out Transparency transparency);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_get_exif(nint context, out Exif exif);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_decoded_image_size(nint context, int format, out nuint size);

    [LibraryImport(NativeLibraries.Spng)]
    internal static unsafe partial int spng_decode_image(nint context, byte* pixels, nuint size, int format, int flags);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_set_option(nint context, int option, int value);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_set_ihdr(nint context, in Header header);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial int spng_set_plte(nint context, in Palette palette);

    [LibraryImport(NativeLibraries.Spng)]
    internal static unsafe partial int spng_encode_image(nint context, byte* pixels, nuint size, int format, int flags);

    /// <summary>The encoded file; the caller frees it with C's <c>free</c>.</summary>
    [LibraryImport(NativeLibraries.Spng)]
    internal static unsafe partial byte* spng_get_png_buffer(nint context, out nuint size, out int error);

    [LibraryImport(NativeLibraries.Spng)]
    internal static partial nint spng_strerror(int error);
}
