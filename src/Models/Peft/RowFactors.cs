using Tessera.Framework.Models.Peft;
using static TorchSharp.torch;

namespace Tessera.Models.Peft;

internal static class RowFactors
{
    /// <summary>Multiplies each row of a layer, and its bias, by a factor.</summary>
    /// <param name="factors">[out].</param>
    public static void ScaleRows(this LayerWeights weights, Tensor factors)
    {
        weights.Weight = weights.Weight * factors.view([-1, .. weights.Weight.shape[1..].Select(_ => 1L)]);
        weights.Bias = weights.Bias is { } bias ? bias * factors : null;
    }
}
