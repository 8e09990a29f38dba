using Tessera.Framework.Runtime.Providers;

namespace Tessera.Framework.Runtime;

/// <summary>Names the provider that this build stands on.</summary>
public static class TorchRuntime
{
    private static ITorchRuntime? s_runtime;

    /// <summary>
    /// The provider's runtime, one per process. The first call sets up threads and allocator and loads the native library,
    /// so it belongs before any tensor is made.
    /// </summary>
    public static ITorchRuntime Create()
    {
        return s_runtime ??= new TorchSharpRuntime();
    }
}
