namespace Tessera.Torch.Memory;

/// <summary>
/// A region of addresses for large tensors alone. On malloc's heap small things that stay (kernels, caches) come to lie between large
/// blocks, and what was one gap
/// is then too narrow for the same tensor of the next iteration, so that the process grows; given back to the system and taken again, their
/// pages cost time in every step.
/// </summary>
internal static unsafe class LargeBlocks
{
    /// <summary>Bytes from which on a block lies here.</summary>
    public const long Smallest = 1 << 16;

    private const int Alignment = 64;
    private const long Page = 4096;
    private static readonly Lock s_lock = new();
    private static byte* s_start;
    private static GapList? s_gaps;

    /// <summary>Reserves as many addresses as the machine has memory. They are touched as they are needed.</summary>
    /// <returns>false where the system refuses (a limit on addresses).</returns>
    public static bool Reserve()
    {
        const int hugePages = 14,
            dontDump = 16;
        var bytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Page * Page;
        var start = SystemMemory.Map((nuint)bytes, SystemMemory.NoReserve);
        if (start == 0)
            return false;
        _ = SystemMemory.Advise(start, (nuint)bytes, hugePages);
        _ = SystemMemory.Advise(start, (nuint)bytes, dontDump);
        s_start = (byte*)start;
        s_gaps = new GapList(bytes);
        return true;
    }

    /// <summary>Memory for that many bytes, aligned to 64; null where none is left.</summary>
    /// <remarks>Not whole pages: tensors that begin at the same place of a page get into each other's way in the cache.</remarks>
    public static void* Take(nuint bytes)
    {
        if (bytes > long.MaxValue / 2)
            return null;
        var whole = ((long)bytes + (2 * Alignment) - 1) / Alignment * Alignment; // the block's own size stands before it
        long place;
        lock (s_lock)
            place = s_gaps!.Take(whole);
        if (place < 0)
            return null;
        *(long*)(s_start + place) = whole;
        return s_start + place + Alignment;
    }

    public static bool Has(void* data) => s_gaps is not null && data >= s_start && data < s_start + s_gaps.End;

    public static void GiveBack(void* data)
    {
        var place = (byte*)data - Alignment - s_start;
        var whole = *(long*)(s_start + place);
        lock (s_lock)
            s_gaps!.GiveBack(place, whole);
    }

    /// <summary>Gives the gaps' pages back to the system.</summary>
    public static void Trim()
    {
        const int dontNeed = 4;
        if (s_gaps is null)
            return;
        lock (s_lock)
            foreach (var (place, size) in s_gaps.Gaps)
            {
                var (from, to) = ((place + Page - 1) / Page * Page, (place + size) / Page * Page);
                if (to > from)
                    _ = SystemMemory.Advise((nint)(s_start + from), (nuint)(to - from), dontNeed);
            }
    }
}
