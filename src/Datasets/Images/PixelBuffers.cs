namespace Tessera.Datasets.Images;

/// <summary>
/// A few buffers of each thread, kept for the next image of the same size: a photograph decoded only to be cropped would
/// otherwise cost fresh pages each time.
/// </summary>
public static class PixelBuffers
{
    private const int Slots = 4;
    private const int Smallest = 64 << 10,
        Largest = 32 << 20;

    [ThreadStatic]
    private static byte[]?[]? s_kept;

    [ThreadStatic]
    private static int s_next;

    /// <summary>An uninitialised buffer of exactly this length.</summary>
    public static byte[] Rent(int length)
    {
        if (length >= Smallest && s_kept is { } kept)
        {
            for (var i = 0; i < kept.Length; i++)
            {
                if (kept[i] is { } buffer && buffer.Length == length)
                {
                    kept[i] = null;
                    return buffer;
                }
            }
        }
        return GC.AllocateUninitializedArray<byte>(length);
    }

    /// <summary>Gives a buffer back that nothing else refers to.</summary>
    public static void Return(byte[] buffer)
    {
        if (buffer.Length is < Smallest or > Largest)
            return;
        s_kept ??= new byte[Slots][];
        s_kept[s_next] = buffer;
        s_next = (s_next + 1) % Slots;
    }
}
