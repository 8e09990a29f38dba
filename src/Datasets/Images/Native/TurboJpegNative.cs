using System.Runtime.InteropServices;

namespace Tessera.Datasets.Images.Native;

/// <summary>The TurboJPEG interface of libjpeg-turbo, version 2 (also exported by 3), if the system has the library.</summary>
/// <remarks>By function pointers: nothing of the library needs to be there.</remarks>
internal static unsafe class TurboJpegNative
{
    private const int PixelRgb = 0;
    private const int PixelGray = 6;

    private static readonly delegate* unmanaged<nint> s_initDecompress;
    private static readonly delegate* unmanaged<nint, int> s_destroy;
    private static readonly delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int> s_decompressHeader;
    private static readonly delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int> s_decompress;

    static TurboJpegNative()
    {
        foreach (var name in Names())
        {
            if (!NativeLibrary.TryLoad(name, typeof(TurboJpegNative).Assembly, DllImportSearchPath.SafeDirectories, out var library))
                continue;
            if (
                NativeLibrary.TryGetExport(library, "tjInitDecompress", out var init)
                && NativeLibrary.TryGetExport(library, "tjDestroy", out var destroy)
                && NativeLibrary.TryGetExport(library, "tjDecompressHeader3", out var header)
                && NativeLibrary.TryGetExport(library, "tjDecompress2", out var decompress)
            )
            {
                s_initDecompress = (delegate* unmanaged<nint>)init;
                s_destroy = (delegate* unmanaged<nint, int>)destroy;
                s_decompressHeader = (delegate* unmanaged<nint, byte*, CULong, int*, int*, int*, int*, int>)header;
                s_decompress = (delegate* unmanaged<nint, byte*, CULong, byte*, int, int, int, int, int, int>)decompress;
                LibraryName = name;
                return;
            }
            NativeLibrary.Free(library);
        }
    }

    /// <summary>Whether the library and all that is used of it were found.</summary>
    internal static bool IsLoaded => LibraryName is not null;

    internal static string? LibraryName { get; }

    internal static nint InitDecompress() => s_initDecompress();

    internal static void Destroy(nint handle) => _ = s_destroy(handle);

    /// <returns>0 where nothing was to be complained of.</returns>
    internal static int DecompressHeader(nint handle, byte* data, int size, out int width, out int height, out int subsampling)
    {
        int w,
            h,
            s,
            colorspace;
        var result = s_decompressHeader(handle, data, new CULong((uint)size), &w, &h, &s, &colorspace);
        (width, height, subsampling) = result == 0 ? (w, h, s) : (0, 0, -1);
        return result;
    }

    /// <returns>0 where nothing was to be complained of.</returns>
    internal static int Decompress(nint handle, byte* data, int size, byte* pixels, int width, int height, bool gray) =>
        s_decompress(handle, data, new CULong((uint)size), pixels, width, 0, height, gray ? PixelGray : PixelRgb, 0);

    private static string[] Names() =>
        OperatingSystem.IsWindows() ? ["turbojpeg.dll"]
        : OperatingSystem.IsMacOS() ? ["libturbojpeg.0.dylib", "libturbojpeg.dylib"]
        : ["libturbojpeg.so.0", "libturbojpeg.so"];
}
