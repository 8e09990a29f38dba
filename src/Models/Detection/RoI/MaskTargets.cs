using Tessera.Framework.Data;

namespace Tessera.Models.Detection.RoI;

/// <param name="Aligned">See <see cref="RoIGrid.Aligned"/>.</param>
/// <param name="Binary">A pixel is in or out, by a half; otherwise the part that is in.</param>
internal readonly record struct MaskCut(bool Aligned, bool Binary);

/// <summary>What a mask head is to find: true masks, cut out by regions.</summary>
internal static class MaskTargets
{
    /// <summary>As <see cref="RoIAlign"/> of the masks, on plain arrays.</summary>
    /// <param name="truths">With masks.</param>
    /// <param name="size">Pixels along each side.</param>
    /// <returns>[positives * size * size].</returns>
    public static float[] Of(SampledRoIs sampled, IReadOnlyList<TruthBoxes> truths, int size, MaskCut cut)
    {
        var regions = sampled.Regions.At(sampled.Positives);
        var masks = sampled.Boxes.Select((box, i) => truths[regions.Images[i]].Masks![box]).ToArray();
        var grid = new RoIGrid(size, 0, cut.Aligned);
        var rows = new BinWeights(regions.Boxes.Y1, regions.Boxes.Y2, _ => 1, i => masks[i].Height, grid);
        var columns = new BinWeights(regions.Boxes.X1, regions.Boxes.X2, _ => 1, i => masks[i].Width, grid);
        var targets = new float[masks.Length * size * size];
        Parallel.For(0, masks.Length, i => Cut(masks[i], i, rows, columns, cut, targets.AsSpan(i * size * size, size * size)));
        return targets;
    }

    private static void Cut(Image mask, int region, BinWeights rows, BinWeights columns, MaskCut cut, Span<float> target)
    {
        var pixels = mask.Pixels<byte>();
        var size = rows.Bins;
        for (var bin = 0; bin < target.Length; bin++)
        {
            var (row, column) = ((region * size) + (bin / size), (region * size) + (bin % size));
            var sum = 0f;
            for (var y = rows.Starts[row]; y < rows.Starts[row + 1]; y++)
            {
                var line = pixels.Slice(rows.Pixels[y] * mask.Width, mask.Width);
                var ofLine = 0f;
                for (var x = columns.Starts[column]; x < columns.Starts[column + 1]; x++)
                    if (line[columns.Pixels[x]] != 0)
                        ofLine += columns.Shares[x];
                sum += ofLine * rows.Shares[y];
            }
            target[bin] = cut.Binary ? (sum >= 0.5f ? 1 : 0) : sum;
        }
    }
}
