using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Tessera.Torch.Loading;

/// <summary>
/// What libtorch and the libraries in it read from the process's environment while they are loaded. .NET keeps a copy of the environment of
/// its own,
/// which C does not see, so the C library is asked. What the user has set stays.
/// </summary>
internal static partial class ProcessSettings
{
    public static void Make()
    {
        foreach (var (name, value) in Choose(Avx2.IsSupported, Avx512F.IsSupported, Environment.GetEnvironmentVariable))
            Set(name, value);
    }

    /// <summary>The settings for a processor, those that the user has made left out.</summary>
    internal static IReadOnlyList<(string Name, string Value)> Choose(bool avx2, bool avx512, Func<string, string?> set)
    {
        var chosen = new List<(string, string)>();
        // MKL's sums otherwise depend on where in memory the numbers lie, and a resumed run would differ in its last bits.
        if (set("MKL_CBWR") is null)
            chosen.Add(
                (
                    "MKL_CBWR",
                    avx512 ? "AVX512"
                    : avx2 ? "AVX2"
                    : "COMPATIBLE"
                )
            );
        if (set("OMP_WAIT_POLICY") is null)
        {
            // Idle threads sleep, but not for the first microseconds: from one operator to the next a thread then needn't be woken by the
            // kernel,
            // and a team that is done (backward runs on a thread, and so a team, of its own) soon gives its cores free.
            if (set("GOMP_SPINCOUNT") is null)
                chosen.Add(("GOMP_SPINCOUNT", "2000"));
            chosen.Add(("OMP_WAIT_POLICY", "PASSIVE"));
        }
        return chosen;
    }

    /// <summary>Sets a variable for C and .NET alike.</summary>
    internal static void Set(string name, string value)
    {
        if (OperatingSystem.IsWindows())
            _ = PutEnvironment(name, value);
        else
            _ = SetEnvironment(name, value, 0);
        Environment.SetEnvironmentVariable(name, value); // for the log, and for processes started from here
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PutEnvironment(string name, string value);
}
