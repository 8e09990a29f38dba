using System.Runtime.InteropServices;
using Tessera.Torch.Interop;

namespace Tessera.Torch;

/// <summary>Environment, allocator, BLAS and threads of the process.</summary>
internal static unsafe class ProcessSetup
{
    private const int TrimThreshold = -1, MmapThreshold = -3;
    private const int RtldNow = 2, RtldGlobal = 0x100;

    [DllImport("libc", EntryPoint = "setenv", CharSet = CharSet.Ansi)] private static extern int SetEnv(string name, string value, int overwrite);
    [DllImport("libc", EntryPoint = "mallopt")] private static extern int MallOpt(int parameter, int value);
    [DllImport("libc", EntryPoint = "dlopen", CharSet = CharSet.Ansi)] private static extern IntPtr DlOpen(string file, int flags);

    internal static void BeforeLibtorch(StartupOptions options)
    {
        // .NET keeps a copy of the environment; libgomp reads the process's own.
        if (options.PassiveWaiting is { } passive)
        {
            // Passive, but for some microseconds: from one operator to the next a thread then needn't be woken by the kernel,
            // and a team that is done (backward runs on a thread, and so a team, of its own) soon gives its cores free.
            if (passive && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) SetEnv("GOMP_SPINCOUNT", "2000", 0);
            SetEnv("OMP_WAIT_POLICY", passive ? "PASSIVE" : "ACTIVE", 0);
        }
        if (options.KeepPages)
        {
            MallOpt(MmapThreshold, 32 << 20); // the most that glibc accepts
            MallOpt(TrimThreshold, int.MaxValue);
        }
        if (options.PreferOpenBlas) PreloadOpenBlas();
    }

    internal static void AfterLibtorch(StartupOptions options)
    {
        if (options.KeepPages) NativeMethods.tessera_keep_blocks();
        var threads = options.Threads > 0 ? options.Threads
            : Environment.GetEnvironmentVariable("OMP_NUM_THREADS") is { Length: > 0 } ? 0 : PhysicalCores();
        if (threads > 0) Check.Result(NativeMethods.tessera_set_threads(threads));
    }

    // Once a library with the soname libblas.so.3 is loaded, libtorch's own request for that soname is met by it.
    private static void PreloadOpenBlas()
    {
        foreach (var folder in (string[])["x86_64-linux-gnu", "aarch64-linux-gnu"])
            foreach (var name in (string[])["libblas.so.3", "liblapack.so.3"])
            {
                var file = $"/usr/lib/{folder}/openblas-openmp/{name}";
                if (File.Exists(file)) DlOpen(file, RtldNow | RtldGlobal);
            }
    }

    /// <summary>Physical cores that this process may run on, and no more than its CPU quota.</summary>
    internal static int PhysicalCores()
    {
        var allowed = Environment.ProcessorCount; // affinity and quota are in it
        try
        {
            var cores = new HashSet<string>();
            foreach (var cpu in Directory.EnumerateDirectories("/sys/devices/system/cpu", "cpu*"))
            {
                var siblings = Path.Combine(cpu, "topology", "thread_siblings_list");
                if (File.Exists(siblings)) cores.Add(File.ReadAllText(siblings).Trim());
            }
            return cores.Count > 0 ? Math.Min(cores.Count, allowed) : allowed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return allowed;
        }
    }
}
