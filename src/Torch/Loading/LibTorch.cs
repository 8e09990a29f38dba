using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace Tessera.Torch.Loading;

/// <summary>libtorch as a library of this process: how it is found, prepared and loaded.</summary>
public static class LibTorch
{
    /// <summary>The release that TorchSharp's native part is built for.</summary>
    public const string ExpectedVersion = "2.10.0";

    internal const string TorchSharpVersion = "0.107.0";

    private static readonly Lock s_lock = new();

    // Apart from the other: TorchSharp's first use on another thread comes by here while the thread that loads waits for that use to end.
    private static readonly Lock s_mending = new();
    private static bool s_prepared;
    private static volatile bool s_loaded;
    private static bool s_mends;
    private static nint s_mended;
    private static Action s_beforeLoading = () => { },
        s_afterLoading = () => { };

    /// <summary>
    /// Makes the settings that libtorch reads once, while it is loaded, and helps TorchSharp to its library on systems with an older
    /// libstdc++.
    /// Every assembly of Tessera calls it as its first act; a program that makes tensors before it touches Tessera calls it itself.
    /// </summary>
    public static void Prepare()
    {
        lock (s_lock)
        {
            if (s_prepared)
                return;
            s_prepared = true;
            ProcessSettings.Make();
            s_beforeLoading();
            s_mends =
                OperatingSystem.IsLinux()
                && RuntimeInformation.ProcessArchitecture == Architecture.X64
                && !MendedBinding.SystemIsNewEnough();
            if (s_mends)
                AssemblyLoadContext.Default.ResolvingUnmanagedDll += (_, name) =>
                    name is "LibTorchSharp" or "libLibTorchSharp" or "libLibTorchSharp.so" ? LoadMended() : 0;
        }
    }

    /// <summary>What else is to be done just before and just after libtorch is loaded.</summary>
    internal static void Prepare(Action before, Action after)
    {
        (s_beforeLoading, s_afterLoading) = (before, after);
        Prepare();
        if (!CacheSizes.AreHidden)
            return;
        try
        {
            Load(); // before anyone's first convolution
        }
        catch (LibTorchException)
        {
            // Whoever needs it will be told.
        }
    }

    /// <summary>The mended copy of TorchSharp's library that this process uses; 0 where it uses the file itself.</summary>
    internal static nint Mended => s_mended;

    /// <summary>Loads libtorch now. Without this call the first tensor does, whose error says less.</summary>
    /// <exception cref="LibTorchException">It can't be loaded; the message says why and what helps.</exception>
    public static void Load()
    {
        if (s_loaded)
            return;
        Prepare();
        lock (s_lock)
        {
            if (s_loaded)
                return;
            // What fails, fails here: TorchSharp would go on to search, copy 490 MB and print what it tried.
            if (OperatingSystem.IsLinux() && (Files() is null || Libraries() is null))
                throw LibTorchException.NotLoaded(null, null);
            if (s_mends)
                _ = LoadMended();
            try
            {
                using var tensor = torch.zeros(1);
            }
            catch (Exception e)
                when (e
                        is NotSupportedException
                            or TypeInitializationException
                            or DllNotFoundException
                            or BadImageFormatException
                            or EntryPointNotFoundException
                )
            {
                throw LibTorchException.NotLoaded(Libraries() ?? Files(), e);
            }
            s_loaded = true; // what follows asks libtorch, and so comes by here
            RequireVersion(LibTorchBuild.Version);
            s_afterLoading();
            CacheSizes.Mend();
        }
    }

    /// <param name="found">null: it could not be asked.</param>
    internal static void RequireVersion(string? found)
    {
        if (found is not null && found != ExpectedVersion)
            throw LibTorchException.OtherVersion(found, ExpectedVersion);
    }

    /// <summary>Folders that may hold libtorch's files, the likeliest first.</summary>
    internal static IEnumerable<string> Folders()
    {
        var known = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(
            Path.PathSeparator,
            StringSplitOptions.RemoveEmptyEntries
        );
        var beside = Path.GetDirectoryName(Assembly.GetExecutingAssembly().Location);
        var searched = (Environment.GetEnvironmentVariable("LD_LIBRARY_PATH") ?? "").Split(
            Path.PathSeparator,
            StringSplitOptions.RemoveEmptyEntries
        );
        string[] roots = [AppContext.BaseDirectory, .. beside is { Length: > 0 } ? [beside] : Array.Empty<string>()];
        return known
            .Concat(roots.Select(root => Path.Combine(root, "runtimes", RuntimeInformation.RuntimeIdentifier, "native")))
            .Concat(roots.Select(root => Path.Combine(root, "runtimes", "linux-x64", "native")))
            .Concat(roots)
            .Concat(searched)
            .Distinct();
    }

    /// <summary>The folder of TorchSharp's own native file, which comes with its package; null where none is found.</summary>
    internal static string? Files() => Folders().FirstOrDefault(folder => File.Exists(Path.Combine(folder, "libLibTorchSharp.so")));

    /// <summary>The folder of libtorch's files, which come with a package that the program adds; null where none is found.</summary>
    internal static string? Libraries() => Folders().FirstOrDefault(folder => File.Exists(Path.Combine(folder, "libtorch_cpu.so")));

    /// <summary>The mended copy; 0 leaves the name to others.</summary>
    private static nint LoadMended()
    {
        lock (s_mending)
        {
            if (s_mended != 0 || Files() is not { } binding || Libraries() is not { } folder)
                return s_mended;
            try
            {
                foreach (var library in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
                    NativeLibrary.Load(Path.Combine(folder, library));
            }
            catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
            {
                throw LibTorchException.NotLoaded(folder, e);
            }
            return s_mended = MendedBinding.Load(Path.Combine(binding, "libLibTorchSharp.so"), MendedBinding.CacheFolder());
        }
    }
}
