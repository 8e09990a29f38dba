using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Native;

/// <summary>The TurboJPEG interface of libjpeg-turbo, version 2 (also exported by 3).</summary>
internal static partial class TurboJpegNative
{
    internal const int PixelRgb = 0;
    internal const int PixelGray = 6;
    internal const int ColorspaceGray = 2;
    internal const int ColorspaceCmyk = 3; // 4 is YCCK
    internal const int FlagLimitScans = 32768;
    internal const int ErrorWarning = 0;
    internal const int Subsampling444 = 0;
    internal const int SubsamplingGray = 3;
    internal const int Subsampling420 = 2;

    static TurboJpegNative() => NativeLibraries.Ready();

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static partial nint tjInitDecompress();

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static partial nint tjInitCompress();

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static partial int tjDestroy(nint handle);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static unsafe partial int tjDecompressHeader3(nint handle, byte* data, nuint size, out int width, out int height, out int subsampling, out int colorspace);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static unsafe partial int tjDecompress2(nint handle, byte* data, nuint size, byte* pixels, int width, int pitch, int height, int pixelFormat, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static unsafe partial int tjCompress2(nint handle, byte* pixels, int width, int pitch, int height, int pixelFormat, ref byte* jpeg, ref nuint size, int subsampling, int quality, int flags);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static unsafe partial void tjFree(byte* buffer);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static partial nint tjGetErrorStr2(nint handle);

    [LibraryImport(NativeLibraries.TurboJpeg)]
    internal static partial int tjGetErrorCode(nint handle);
}
