using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.TaskModels;

/// <summary>Masks at points between their pixels.</summary>
/// <remarks>Kirillov et al., "PointRend", 2019, arXiv:1912.08193, section 3.1, as Cheng et al., "Mask2Former", CVPR 2022, arXiv:2112.01527,
/// section 3.3 trains by it.</remarks>
/// <param name="count">Points of a mask.</param>
/// <param name="oversample">How many times as many are drawn to choose from.</param>
/// <param name="important">The share of the points that are chosen: those where a mask is least sure.</param>
/// <param name="uniform">Draws numbers in [0, 1) of a shape, on the CPU.</param>
internal sealed class MaskPoints(int count, double oversample, double important, Func<long[], Tensor> uniform)
{
    /// <summary>Anywhere.</summary>
    /// <returns>[1, P, 2], x and y relative to the image.</returns>
    public Tensor Anywhere(Device device) => uniform([1, count, 2]).to(device);

    /// <summary>For each mask, mostly where it is least sure.</summary>
    /// <param name="logits">[N, 1, h, w], N above 0.</param>
    /// <returns>[N, P, 2], without gradient.</returns>
    public Tensor WhereUnsure(Tensor logits)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var (masks, chosen) = (logits.shape[0], (long)(important * count));
        var drawn = uniform([masks, (long)(count * oversample), 2]).to(logits.device);
        var unsure = -At(logits, drawn).abs(); // [N, oversample * P]
        var best = unsure.topk((int)chosen, dim: 1).indexes; // [N, chosen]
        var points = drawn.gather(1, best.unsqueeze(2).expand(-1, -1, 2));
        if (chosen < count)
            points = cat([points, uniform([masks, count - chosen, 2]).to(logits.device)], 1);
        return scope.MoveToOuter(points);
    }

    /// <summary>Values between those of pixels, bilinear; 0 outside.</summary>
    /// <param name="maps">[N, K, h, w].</param>
    /// <param name="points">[N, P, 2].</param>
    /// <returns>[N, P] where K is 1, otherwise [N, K, P].</returns>
    public static Tensor At(Tensor maps, Tensor points)
    {
        using var scope = NewDisposeScope();
        var grid = (points.unsqueeze(2) * 2) - 1; // [N, P, 1, 2]
        var values = nn
            .functional.grid_sample(maps, grid, GridSampleMode.Bilinear, GridSamplePaddingMode.Zeros, align_corners: false)
            .squeeze(3);
        return scope.MoveToOuter(maps.shape[1] == 1 ? values.squeeze(1) : values);
    }
}
