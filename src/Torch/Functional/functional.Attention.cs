using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {


            /// <param name="query">[..., queries, E].</param>
            /// <param name="key">[..., keys, E].</param>
            /// <param name="value">[..., keys, values].</param>
            /// <param name="attn_mask">Broadcastable to [..., queries, keys]: true where attention is allowed, or a number that is added.</param>
            /// <param name="p">Probability of dropping an attention weight.</param>
            /// <param name="is_casual">Whether a query sees only the keys up to its own place.</param>
            /// <returns>[..., queries, values].</returns>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask = null, double p = 0.0, bool is_casual = false)
            {
                if (is_casual && attn_mask is not null) throw new ArgumentException("scaled_dot_product_attention takes a mask or is_casual, not both.");
                if (Op.scaled_dot_product_attention.Exists) return Op.scaled_dot_product_attention.Call(query, key, value, attn_mask, p, is_casual);
                using var scope = NewDisposeScope();
                var scores = query.mul(1 / Math.Sqrt(query.size(-1))).matmul(key.transpose(-2, -1));
                if (is_casual)
                    scores = scores.masked_fill(ones(query.size(-2), key.size(-2), dtype: ScalarType.Bool, device: query.device).tril().logical_not(), double.NegativeInfinity);
                else if (attn_mask is not null)
                    scores = attn_mask.dtype == ScalarType.Bool ? scores.masked_fill(attn_mask.logical_not(), double.NegativeInfinity) : scores + attn_mask;
                var weights = scores.softmax(-1);
                if (p > 0) weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
