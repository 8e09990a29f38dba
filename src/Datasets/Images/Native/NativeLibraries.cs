using System.Reflection;
using System.Runtime.InteropServices;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Images.Native;

/// <summary>Finds the system's image libraries under the names that distributions give them.</summary>
internal static class NativeLibraries
{
    internal const string OpenCvCore = "opencv_core";
    internal const string OpenCvImgproc = "opencv_imgproc";

    // Every soname whose C interface is the one declared here. OpenCV names one per release; 5.x dropped the C interface.
    private static readonly Dictionary<string, (string[] Sonames, string Package)> Known = new()
    {
        [OpenCvCore] = (OpenCv("core"), "libopencv-core406 (or the number your release has)"),
        [OpenCvImgproc] = (OpenCv("imgproc"), "libopencv-imgproc406 (or the number your release has)"),
    };

    private static string[] OpenCv(string module) =>
        [.. new[] { ".406", ".410", ".4.5d", ".412", ".411", ".409", ".408", ".407", ".405", ".4.5", "" }
            .Select(version => $"libopencv_{module}.so{version}")];

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
