namespace Tessera.Torch.Memory;

/// <summary>How the memory of CPU tensors is held.</summary>
internal static class MemorySettings
{
    public static void BeforeLoading() { }

    public static void AfterLoading() { }

    public static void GiveBack() { }
}
