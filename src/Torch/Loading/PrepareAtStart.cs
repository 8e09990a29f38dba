using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Tessera.Torch.Loading;

/// <summary>Compiled into every assembly that uses tensors, so that libtorch is prepared whichever of them runs first.</summary>
internal static class PrepareAtStart
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch's settings can't be made later than this.")]
    internal static void Run() => LibTorch.Prepare();
}
