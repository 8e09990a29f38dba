using System.Reflection;
using System.Runtime.InteropServices;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Native;

/// <summary>Finds the system's image libraries under the names that distributions give them.</summary>
internal static class NativeLibraries
{
    internal const string TurboJpeg = "turbojpeg";
    internal const string Spng = "spng";
    internal const string WebP = "webp";

    // Every soname whose C interface is the one declared here.
    private static readonly Dictionary<string, (string[] Sonames, string Package)> Known = new()
    {
        [TurboJpeg] = (["libturbojpeg.so.0", "libturbojpeg.so"], "libturbojpeg0"),
        [Spng] = (["libspng.so.0", "libspng.so"], "libspng0"),
        [WebP] = (["libwebp.so.7", "libwebp.so"], "libwebp7"),
    };

    private static readonly bool Installed = Install();

    private static bool Install()
    {
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
        return true;
    }

    /// <summary>Called by each import class before its first call.</summary>
    internal static bool Ready() => Installed;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (!Known.TryGetValue(name, out var library))
            return 0;
        foreach (var soname in library.Sonames)
        {
            if (NativeLibrary.TryLoad(soname, assembly, searchPath, out var handle))
                return handle;
        }
        throw new UserErrorException(
            $"The library {library.Sonames[0]} was not found. Install the package {library.Package} (tools/setup does).");
    }
}
