using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <summary>
/// An attention layer that says how the weights of its child <see cref="AttentionWeights"/> lie over its tokens, so that they can be
/// drawn over an image and joined with those of other layers. A layer without it gives one matrix for each head, [B, heads, N, N].
/// </summary>
/// <remarks>
/// All of these are linear: beside weights they take whatever has their form, such as a gradient or its product with the weights. The
/// results belong to the caller's dispose scope.
/// </remarks>
public interface IAttentionMap
{
    /// <summary>The weights as matrices.</summary>
    /// <param name="weights">As tapped; the heads may have been joined into one.</param>
    /// <param name="grid">The layer's tokens, N of them.</param>
    /// <returns>[B, heads, N, M]: what each token takes from each of the M keys. Keys that are no tokens (padding) are left out, so that a
    /// row may add up to less than 1.</returns>
    Tensor Dense(Tensor weights, TokenGrid grid);

    /// <summary>Sums of the weights' rows, each weighed: rows times <see cref="Dense"/>, without making the matrix where the layer
    /// can.</summary>
    /// <param name="rows">[B, R, N], for weights with one head or R heads.</param>
    /// <returns>[B, R, M].</returns>
    Tensor Pull(Tensor rows, Tensor weights, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(rows.unsqueeze(-2).matmul(Dense(weights, grid)).squeeze(-2));
    }

    /// <summary>What each row of <see cref="Dense"/> adds up to.</summary>
    /// <returns>[B, heads, N].</returns>
    Tensor RowSums(Tensor weights, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Dense(weights, grid).sum(-1));
    }

    /// <summary>Gives what belongs to keys to the tokens that the keys were made of, in equal shares; keys that are tokens keep
    /// it.</summary>
    /// <param name="keys">[..., M].</param>
    /// <returns>[..., N], of the same sum.</returns>
    Tensor Spread(Tensor keys, TokenGrid grid) => keys.alias();
}
