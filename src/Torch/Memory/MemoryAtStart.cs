using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Tessera.Torch.Loading;

namespace Tessera.Torch.Memory;

/// <summary>In place of PrepareAtStart, which the other assemblies have, in this assembly: with the memory of tensors.</summary>
internal static class MemoryAtStart
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch's settings can't be made later than this.")]
    internal static void Run() => LibTorch.Prepare(MemorySettings.BeforeLoading, MemorySettings.AfterLoading);
}
