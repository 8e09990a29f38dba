using System.Runtime.CompilerServices;
using Tessera.Framework.Models;
using Tessera.Models.Attention.Core;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Attention;

/// <summary>Every query attends every key there is. The weights can be tapped under the name "weights", [B, heads, N, M].</summary>
public abstract class DenseAttention : TokenAttention, IAttentionMap
{
    private const long Largest = 1L << 26; // weights; beyond, queries go in chunks

    /// <summary>
    /// Pairs of tokens from which on the fused operator is as fast as its parts on a CPU in bf16 with a backward pass; below, it takes up
    /// to twice the time.
    /// In fp32, and without gradients, it is the faster one at all sizes (measured with libtorch 2.10: 49 to 4,096 tokens).
    /// </summary>
    private const long FusedTrainsFaster = 1L << 20;

    private protected readonly AttentionWeights weights = new();
    private readonly StrongBox<Tensor?> _mask = new(); // a box: a tensor in a field would be taken for a buffer

    protected DenseAttention(string name, AttentionShape shape)
        : base(name, shape) { }

    public Tensor Dense(Tensor weights, TokenGrid grid) => weights.alias();

    /// <summary>Of keys that are no tokens but made of several, to these; see <see cref="IAttentionMap.Spread"/>.</summary>
    public virtual Tensor Spread(Tensor keys, TokenGrid grid) => keys.alias();

    /// <summary>Until disposed, tokens attend only those that a mask lets them.</summary>
    /// <param name="mask">[B or 1, 1, N, N], true where a token (third dimension) may attend another; each at least one.</param>
    internal IDisposable Under(Tensor mask)
    {
        _mask.Value = mask;
        return new Unmask(_mask);
    }

    protected sealed override Tensor Mix(Tensor queries, Tensor keys, Tensor values, TokenGrid grid)
    {
        var pairs = queries.shape[2] * keys.shape[2];
        if (weights.Tapped || PartsAreFaster(queries, pairs))
        {
            if (weights.Tapped)
                AttentionWeights.RequireRoom(queries.shape[0] * queries.shape[1], queries.shape[2], keys.shape[2]);
            var scale = 1 / Math.Sqrt(queries.shape[3]);
            var logits = queries.mul(scale).matmul(keys.transpose(-2, -1)); // [B, heads, N, M]
            if (_mask.Value is { } mask)
                logits = logits.masked_fill(mask.logical_not(), double.NegativeInfinity);
            var attention = weights.call(logits.softmax(-1));
            return (WeightDropout > 0 ? functional.dropout(attention, WeightDropout) : attention).matmul(values);
        }
        if (_mask.Value is not null)
            return functional.scaled_dot_product_attention(queries, keys, values, _mask.Value, WeightDropout);
        return FusedInBlocks(queries) || queries.shape[0] * queries.shape[1] * pairs <= Largest
            ? functional.scaled_dot_product_attention(queries, keys, values, p: WeightDropout)
            : BlockSoftmax.Dense(queries, keys, values, WeightDropout).Out;
    }

    /// <summary>Whether attention by its parts takes less time here than the fused operator.</summary>
    /// <param name="pairs">Of queries and keys.</param>
    internal static bool PartsAreFaster(Tensor queries, long pairs) => pairs < FusedTrainsFaster && TrainsInBfloat16(queries);

    // On CUDA the fused kernels never hold all weights; they take heads of widths that 8 divides.
    private static bool FusedInBlocks(Tensor queries) => queries.device_type == DeviceType.CUDA && queries.shape[3] % 8 == 0;

    private static bool TrainsInBfloat16(Tensor queries) =>
        queries.device_type == DeviceType.CPU
        && is_grad_enabled()
        && queries.requires_grad
        && (queries.dtype == ScalarType.BFloat16 || Autocast.IsEnabled(DeviceType.CPU));

    private sealed class Unmask(StrongBox<Tensor?> mask) : IDisposable
    {
        public void Dispose() => mask.Value = null;
    }
}
