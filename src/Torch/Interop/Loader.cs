using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tessera.Torch;

namespace Tessera.Torch.Interop;

/// <summary>Loads the bridge, and before it what has to be in place first.</summary>
internal static class Loader
{
    private static readonly Lock Gate = new();
    private static IntPtr _library;

    internal static bool Loaded => _library != IntPtr.Zero;

    [ModuleInitializer]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(Loader).Assembly, Resolve);

    private static IntPtr Resolve(string name, System.Reflection.Assembly assembly, DllImportSearchPath? path) =>
        name == NativeMethods.Library ? Load(new StartupOptions()) : IntPtr.Zero;

    internal static IntPtr Load(StartupOptions options)
    {
        lock (Gate)
        {
            if (_library != IntPtr.Zero) return _library;
            ProcessSetup.BeforeLibtorch(options);
            var file = Path.Combine(Path.GetDirectoryName(typeof(Loader).Assembly.Location) is { Length: > 0 } folder ? folder : AppContext.BaseDirectory, "libtessera_torch.so");
            if (!File.Exists(file)) file = Path.Combine(AppContext.BaseDirectory, "libtessera_torch.so");
            _library = NativeLibrary.Load(file);
        }
        ProcessSetup.AfterLibtorch(options);
        return _library;
    }
}
