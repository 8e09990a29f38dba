using static TorchSharp.torch;

namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>Teaches that a part by which the class is told more surely has the higher score.</summary>
internal static class PartRanking
{
    /// <summary>The sum, over pairs of an image's parts in which part j has the greater loss, of max(0, 1 − s_i + s_j), divided by the
    /// number of images.</summary>
    /// <remarks>Yang et al., eq. 3.</remarks>
    /// <param name="scores">[B, M], with gradient.</param>
    /// <param name="losses">[B, M], of the classification by each part; no gradient goes to them.</param>
    /// <returns>A scalar, float32.</returns>
    public static Tensor Loss(Tensor scores, Tensor losses)
    {
        using var scope = NewDisposeScope();
        var worse = losses.unsqueeze(1).gt(losses.unsqueeze(2)); // [B, i, j]
        var hinge = (1 - scores.unsqueeze(2) + scores.unsqueeze(1)).relu();
        return scope.MoveToOuter((hinge * worse).sum() / scores.shape[0]);
    }
}
