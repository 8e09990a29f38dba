using Tessera.Torch;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Losses.Contrast;

/// <summary>Patches of one label are to be alike, patches of different labels unlike.</summary>
/// <remarks>Ru et al., "Token Contrast for Weakly-Supervised Semantic Segmentation", CVPR 2023, arXiv:2303.01267, section 3.3: ½ (1 − the
/// mean of |cos| over pairs of one label) + ½ the mean of |cos| over the others, both means over the whole batch's pairs within images,
/// with 1 added to the number of pairs, as the authors' code has it.</remarks>
public static class PatchTokenContrast
{
    private const long Ignored = 255;

    /// <param name="map">[B, C, h, w].</param>
    /// <param name="labels">[B, h, w], int64; pairs with a patch that has 255, and of a patch with itself, don't count.</param>
    /// <returns>A scalar, float32.</returns>
    public static Tensor Of(Tensor map, Tensor labels)
    {
        using var scope = NewDisposeScope();
        using var full = Autocast.Leave(map.device_type);
        var unit = functional.normalize(map.to(ScalarType.Float32).flatten(2), p: 2, dim: 1, eps: 1e-8); // [B, C, N]
        var alike = unit.transpose(1, 2).matmul(unit).abs(); // [B, N, N]
        var flat = labels.flatten(1); // [B, N]
        var known = flat.ne(Ignored);
        var counts = known.unsqueeze(1).logical_and(known.unsqueeze(2));
        counts = counts.logical_and(eye(flat.shape[1], dtype: ScalarType.Bool, device: map.device).logical_not());
        var same = flat.unsqueeze(1).eq(flat.unsqueeze(2));
        var together = counts.logical_and(same).to(ScalarType.Float32);
        var apart = counts.logical_and(same.logical_not()).to(ScalarType.Float32);
        var within = (alike * together).sum() / (together.sum() + 1);
        var between = (alike * apart).sum() / (apart.sum() + 1);
        return scope.MoveToOuter(((1 - within) * 0.5) + (between * 0.5));
    }
}
