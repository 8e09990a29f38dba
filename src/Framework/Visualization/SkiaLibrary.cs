using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>SkiaSharp's native library, which reads JPEG and WebP and draws. A program brings it, no library does.</summary>
public static class SkiaLibrary
{
    private static volatile bool s_loaded;

    /// <summary>To be called before anything else of SkiaSharp: what fails then says less.</summary>
    /// <exception cref="UserErrorException">The library can't be loaded; the message names the lines that a program's .csproj
    /// lacks.</exception>
    public static void Require()
    {
        if (s_loaded)
            return;
        try
        {
            using var data = SKData.CreateCopy([0]);
            s_loaded = true;
        }
        catch (Exception error)
            when (error.GetBaseException()
                    is DllNotFoundException
                        or BadImageFormatException
                        or EntryPointNotFoundException
                        or InvalidOperationException
            )
        {
            throw new UserErrorException(Message(error.GetBaseException().Message), error);
        }
    }

    internal static string Message(string reason)
    {
        var package =
            OperatingSystem.IsWindows() ? "SkiaSharp.NativeAssets.Win32"
            : OperatingSystem.IsMacOS() ? "SkiaSharp.NativeAssets.macOS"
            : "SkiaSharp.NativeAssets.Linux.NoDependencies";
        var first = reason.Split('\n')[0].Trim(); // then come all the places that were searched
        return $"SkiaSharp's library, which reads JPEG and WebP and draws pictures, can't be loaded here: {first}\n"
            + "  The program brings it. Where its .csproj has no such line, add:\n"
            + $"    <PackageReference Include=\"{package}\" Version=\"{Version}\" />";
    }

    /// <summary>Of SkiaSharp's managed part, which its native part has to equal.</summary>
    internal static string Version => typeof(SKData).Assembly.GetName().Version?.ToString(3) ?? "";
}
