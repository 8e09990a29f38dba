using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Every query attends every key there is. The weights can be tapped under the name "weights", [B, heads, N, M].</summary>
public abstract class DenseAttention : TokenAttention
{
    private const long Largest = 1L << 26; // weights; beyond, queries go in chunks

    private protected readonly AttentionWeights weights = new();

    protected DenseAttention(string name, AttentionShape shape) : base(name, shape)
    {
    }

    protected sealed override Tensor Mix(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        if (weights.Tapped)
        {
            var scale = 1 / Math.Sqrt(queries.shape[3]);
            var attention = weights.call(queries.mul(scale).matmul(keys.transpose(-2, -1)).softmax(-1)); // [B, heads, N, M]
            return (WeightDropout > 0 ? functional.dropout(attention, WeightDropout) : attention).matmul(values);
        }
        return queries.shape[0] * queries.shape[1] * queries.shape[2] * keys.shape[2] <= Largest
            ? functional.scaled_dot_product_attention(queries, keys, values, p: WeightDropout)
            : BlockSoftmax.Dense(queries, keys, values, WeightDropout).Out;
    }
}
