using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Native;

/// <summary>libwebp's simple decoding interface.</summary>
internal static partial class WebPNative
{
    internal const int DecoderAbiVersion = 0x0209;

    static WebPNative() => NativeLibraries.Ready();

    [InlineArray(5)]
    internal struct Padding
    {
        private uint _first;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct Features
    {
        public int Width, Height, HasAlpha, HasAnimation, Format;
        public Padding Padding;
    }

    [LibraryImport(NativeLibraries.WebP)]
    internal static unsafe partial int WebPGetFeaturesInternal(byte* data, nuint size, out Features features, int version);

    [LibraryImport(NativeLibraries.WebP)]
    internal static unsafe partial byte* WebPDecodeRGBInto(byte* data, nuint size, byte* pixels, nuint pixelsSize, int stride);

    [LibraryImport(NativeLibraries.WebP)]
    internal static unsafe partial byte* WebPDecodeRGBAInto(byte* data, nuint size, byte* pixels, nuint pixelsSize, int stride);
}
