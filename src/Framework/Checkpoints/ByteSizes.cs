namespace Tessera.Framework.Checkpoints;

/// <summary>Arithmetic on sizes that come from a file.</summary>
internal static class ByteSizes
{
    /// <summary>The bytes of a shape; false where a size is negative or the product too large.</summary>
    public static bool TryBytes(IReadOnlyList<long> shape, long elementSize, out long bytes)
    {
        bytes = 0;
        Int128 product = elementSize;
        var empty = false;
        foreach (var size in shape)
        {
            if (size < 0)
                return false;
            if (size == 0)
                empty = true;
            else if ((product *= size) > long.MaxValue)
                return false;
        }
        bytes = empty ? 0 : (long)product;
        return true;
    }

    public static string Text(long bytes) =>
        bytes switch
        {
            < 10_000 => $"{bytes} bytes",
            < 10_000_000 => $"{bytes / 1000} kB",
            < 10_000_000_000 => $"{bytes / 1_000_000} MB",
            _ => $"{bytes / 1_000_000_000} GB",
        };
}
