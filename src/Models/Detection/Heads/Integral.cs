using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>Four distances as distributions over the whole numbers from 0 to n, and what they are on average.</summary>
/// <remarks>Li et al., "Generalized Focal Loss", 2020, arXiv:2006.04388, equation 4.</remarks>
internal static class Integral
{
    /// <param name="logits">[…, 4 · (n + 1), …], each distance's n + 1 beside each other.</param>
    /// <param name="dimension">Where they are.</param>
    /// <returns>The same shape, 4 in that dimension.</returns>
    public static Tensor Of(Tensor logits, int dimension)
    {
        using var scope = NewDisposeScope();
        var shares = logits.unflatten(dimension, [4, -1]).softmax(dimension + 1);
        var shape = Enumerable.Repeat(1L, (int)shares.dim()).ToArray();
        shape[dimension + 1] = -1;
        var numbers = arange(shares.shape[dimension + 1], dtype: ScalarType.Float32, device: logits.device).view(shape);
        return scope.MoveToOuter((shares * numbers).sum([dimension + 1]));
    }
}
