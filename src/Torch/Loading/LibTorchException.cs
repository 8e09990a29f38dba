using System.Runtime.InteropServices;

namespace Tessera.Torch.Loading;

/// <summary>libtorch can't be used in this process. The message says why and what helps.</summary>
public sealed class LibTorchException(string message, Exception? inner = null) : Exception(message, inner)
{
    internal static LibTorchException NotLoaded(string? folder, Exception? inner) =>
        new(
            folder is null
                ? Missing()
                : $"libtorch in {folder} could not be loaded: {(inner is null ? "" : FirstLine(Innermost(inner).Message))}",
            inner
        );

    /// <summary>No package of libtorch is referenced, or that of another system: names the lines to add.</summary>
    internal static string Missing()
    {
        var system =
            OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : "linux";
        system += RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "-arm64" : "-x64";
        return $"libtorch's files are not beside this program (looked in {string.Join(", ", LibTorch.Folders())}).\n"
            + "  The program brings them, of the system that it runs on (linux-x64, win-x64, win-arm64 or osx-arm64). Add to its .csproj:\n"
            + $"    <PackageReference Include=\"libtorch-cpu-{system}\" Version=\"[{LibTorch.ExpectedVersion}]\" />\n"
            + "  or, for an NVIDIA GPU on Linux:\n"
            + $"    <PackageReference Include=\"TorchSharp-cuda-linux\" Version=\"[{LibTorch.TorchSharpVersion}]\" />";
    }

    internal static LibTorchException OtherVersion(string found, string expected) =>
        new(
            $"libtorch here is {found}; TorchSharp's native part is built for {expected}, and another release ends the process sooner "
                + $"or later. Reference libtorch-cpu-… [{expected}] alone."
        );

    internal static LibTorchException UnknownFile(string file, string why) =>
        new(
            $"{file} is not the file that TorchSharp ships ({why}), so it can't be made to load with this system's libstdc++. Restore "
                + $"the TorchSharp package again, or use a system with libstdc++ of GCC 13 or later (Debian 13, Ubuntu 24.04)."
        );

    internal static LibTorchException NoFolder(IReadOnlyList<(string Folder, string Why)> tried, Exception inner) =>
        new(
            $"This system's libstdc++ is older than GCC 13's, so TorchSharp's library is loaded from a mended copy, and there is no "
                + $"folder to write it to: {string.Join("; ", tried.Select(t => $"{t.Folder} ({t.Why})"))}. Name a writable folder by "
                + $"XDG_CACHE_HOME or TMPDIR.",
            inner
        );

    internal static string FirstLine(string text) => text.Split('\n', 2)[0].Trim();

    private static Exception Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e;
}
