using System.Runtime.InteropServices;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <summary>Joins what every process has, in the order of their ranks. Every process must call at the same points, though it may have
/// nothing.</summary>
internal static class RankExchange
{
    /// <returns>All values, and where this process's begin among them.</returns>
    public static (T[] All, int Own) Gather<T>(IProcessGroup group, T[] values)
        where T : unmanaged
    {
        if (group.WorldSize == 1)
            return (values, 0);
        var parts = group
            .AllGather(MemoryMarshal.AsBytes(values.AsSpan()).ToArray())
            .Select(bytes => MemoryMarshal.Cast<byte, T>(bytes).ToArray())
            .ToArray();
        return ([.. parts.SelectMany(part => part)], parts.Take(group.Rank).Sum(part => part.Length));
    }

    /// <summary>The rows of all processes; only this one's have a gradient.</summary>
    /// <param name="rows">[n, D], float32; n may differ between processes.</param>
    public static Tensor Gather(IProcessGroup group, Tensor rows)
    {
        if (group.WorldSize == 1)
            return rows;
        var (all, own) = Gather(group, rows.Values<float>());
        var (dim, count) = (rows.shape[1], rows.shape[0]);
        var others = tensor(all).view(-1, dim).to(rows.device);
        var before = own / dim;
        return cat([others.narrow(0, 0, before), rows, others.narrow(0, before + count, others.shape[0] - before - count)]);
    }
}
