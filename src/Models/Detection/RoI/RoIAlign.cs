using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Detection.RoI;

/// <summary>Regions of feature maps at one size: each bin is the mean of samples of the map, which are bilinear.</summary>
/// <remarks>
/// He et al., "Mask R-CNN", 2017, arXiv:1703.06870, section 3. As in torchvision, a sample less than a pixel outside the map is taken from
/// its border, one farther outside is 0 and counts in the mean.
/// </remarks>
public static class RoIAlign
{
    /// <summary>All regions of all images and maps at once; differentiable by the maps.</summary>
    /// <param name="maps">[B, C, H, W] each, C the same.</param>
    /// <param name="scales">A map's size over the image's, for each map.</param>
    /// <param name="levels">[regions.Count], the map of each region.</param>
    /// <returns>[regions.Count, C, size, size], float32.</returns>
    /// <exception cref="ArgumentException">There are other numbers of scales or levels, or an index of a map or an image that isn't
    /// there.</exception>
    public static Tensor Pool(IReadOnlyList<Tensor> maps, IReadOnlyList<float> scales, RoIs regions, int[] levels, RoIGrid grid)
    {
        if (grid.OutputSize < 1)
            throw new ArgumentException($"{grid.OutputSize} is no number of bins.", nameof(grid));
        if (scales.Count != maps.Count)
            throw new ArgumentException($"{maps.Count} maps need as many scales, not {scales.Count}.", nameof(scales));
        if (levels.Length != regions.Count)
            throw new ArgumentException($"{regions.Count} regions need as many levels, not {levels.Length}.", nameof(levels));
        var images = maps[0].shape[0];
        if (levels.Any(level => (uint)level >= (uint)maps.Count) || regions.Images.Any(image => (uint)image >= images))
            throw new ArgumentException(
                $"A region is of a map or an image that isn't there: {maps.Count} maps, {images} images.",
                nameof(regions)
            );
        using var scope = NewDisposeScope();
        var plan = new RoIPlan([.. maps.Select(map => ((int)map.shape[2], (int)map.shape[3]))], scales, regions, levels, grid);
        // Channels beside each other: one read of a pixel serves them all.
        var rows = maps.Select(map => map.to(ScalarType.Float32).permute(0, 2, 3, 1).contiguous()).ToArray(); // [B, H, W, C]
        var pooled = maps[0].device_type == DeviceType.CPU ? RoIAlignFunction.apply([.. rows, plan]) : RoIAlignOperators.Pool(rows, plan);
        return scope.MoveToOuter(pooled.permute(0, 3, 1, 2));
    }

    /// <summary>The same of one map.</summary>
    public static Tensor Pool(Tensor map, float scale, RoIs regions, RoIGrid grid) =>
        Pool([map], [scale], regions, new int[regions.Count], grid);
}

/// <summary>What of a pooling does not depend on the maps' values.</summary>
internal sealed class RoIPlan
{
    /// <param name="sizes">Of the maps.</param>
    public RoIPlan((int Height, int Width)[] sizes, IReadOnlyList<float> scales, RoIs regions, int[] levels, RoIGrid grid)
    {
        (Sizes, Regions, Levels, Size) = (sizes, regions, levels, grid.OutputSize);
        var boxes = regions.Boxes;
        Rows = new BinWeights(boxes.Y1, boxes.Y2, i => scales[levels[i]], i => sizes[levels[i]].Height, grid);
        Columns = new BinWeights(boxes.X1, boxes.X2, i => scales[levels[i]], i => sizes[levels[i]].Width, grid);
    }

    public IReadOnlyList<(int Height, int Width)> Sizes { get; }

    public RoIs Regions { get; }

    public int[] Levels { get; }

    public int Size { get; }

    public BinWeights Rows { get; }

    public BinWeights Columns { get; }
}
