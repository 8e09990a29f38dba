using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary><see cref="RoIAlign"/> by operators on tensors, for other devices: pixels are gathered and summed by their shares.</summary>
internal static class RoIAlignOperators
{
    private const long MostGathered = 1L << 27; // numbers at a time: half a gigabyte

    /// <param name="maps">[B, H, W, C] each, float32.</param>
    /// <returns>[regions, size, size, C].</returns>
    public static Tensor Pool(Tensor[] maps, RoIPlan plan)
    {
        using var scope = NewDisposeScope();
        var (device, channels) = (maps[0].device, maps[0].shape[3]);
        var pixels = cat([.. maps.Select(map => map.flatten(0, 2))], 0); // [pixels of all maps, C]
        var starts = new long[maps.Length];
        for (var i = 1; i < maps.Length; i++)
            starts[i] = starts[i - 1] + (maps[i - 1].numel() / channels);
        var (rows, rowShares) = Padded(plan.Rows, device);
        var (columns, columnShares) = Padded(plan.Columns, device);
        var first = tensor(
            Enumerable
                .Range(0, plan.Regions.Count)
                .Select(i => starts[plan.Levels[i]] + ((long)plan.Regions.Images[i] * Height(i) * Width(i)))
                .ToArray(),
            device: device
        );
        var width = tensor(Enumerable.Range(0, plan.Regions.Count).Select(i => (long)Width(i)).ToArray(), device: device);
        // [N, size, 1, rows, 1] and [N, 1, size, 1, columns]
        var index = (first.view(-1, 1, 1) + (rows * width.view(-1, 1, 1))).unsqueeze(2).unsqueeze(4) + columns.unsqueeze(1).unsqueeze(3);
        var shares = rowShares.unsqueeze(2).unsqueeze(4) * columnShares.unsqueeze(1).unsqueeze(3); // [N, size, size, rows, columns]
        var (perRegion, perBin) = (index.numel() / Math.Max(1, plan.Regions.Count), rows.shape[2] * columns.shape[2]);
        var step = Math.Max(1, MostGathered / Math.Max(1, perRegion * channels));
        var parts = new List<Tensor>();
        for (var from = 0L; from < plan.Regions.Count; from += step)
        {
            var count = Math.Min(step, plan.Regions.Count - from);
            var gathered = pixels.index_select(0, index.narrow(0, from, count).flatten()).view(-1, perBin, channels);
            parts.Add(shares.narrow(0, from, count).reshape(-1, 1, perBin).matmul(gathered)); // [bins, 1, C]
        }
        var pooled = parts.Count == 0 ? pixels.narrow(0, 0, 0) : cat([.. parts], 0);
        return scope.MoveToOuter(pooled.view(plan.Regions.Count, plan.Size, plan.Size, channels));

        int Height(int region) => plan.Sizes[plan.Levels[region]].Height;
        int Width(int region) => plan.Sizes[plan.Levels[region]].Width;
    }

    /// <summary>Pixels and shares with as many entries for every bin, [regions, bins, entries]; the spare ones have share 0.</summary>
    private static (Tensor Pixels, Tensor Shares) Padded(BinWeights axis, Device device)
    {
        var (bins, most) = (axis.Starts.Length - 1, Math.Max(1, axis.Most));
        var (pixels, shares) = (new long[bins * most], new float[bins * most]);
        for (var bin = 0; bin < bins; bin++)
        for (var i = axis.Starts[bin]; i < axis.Starts[bin + 1]; i++)
            (pixels[(bin * most) + i - axis.Starts[bin]], shares[(bin * most) + i - axis.Starts[bin]]) = (axis.Pixels[i], axis.Shares[i]);
        return (tensor(pixels, device: device).view(-1, axis.Bins, most), tensor(shares, device: device).view(-1, axis.Bins, most));
    }
}
