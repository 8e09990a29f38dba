using System.Runtime.CompilerServices;

namespace Tessera.Tests.Tools;

/// <summary>What runs remember of label files goes into a folder of the tests' own.</summary>
internal static class CacheFolder
{
    [ModuleInitializer]
    internal static void Set()
    {
        var folder = Directory.CreateTempSubdirectory("tessera-cache").FullName;
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", folder);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
    }
}
