using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Attention of several heads over sequences [L, N, E]: queries [L, N, E], keys [S, N, kdim], values [S, N, vdim].</summary>
        /// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762. Parameter names as PyTorch's.</remarks>
        public sealed class MultiheadAttention : nn.Module<Tensor, Tensor, Tensor, Tensor?, bool, Tensor?, Tuple<Tensor, Tensor>>
        {
            private readonly Parameter? in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight, in_proj_bias, bias_k, bias_v;
            private readonly Linear out_proj;
            private readonly long _heads, _width;
            private readonly double _dropout;
            private readonly bool _addZero;

            internal MultiheadAttention(long embedded_dim, long num_heads, double dropout, bool bias, bool add_bias_kv, bool add_zero_attn, long kdim, long vdim) : base(nameof(MultiheadAttention))
            {
                if (embedded_dim % num_heads != 0)
                    throw new ArgumentException($"embedded_dim ({embedded_dim}) must be divisible by num_heads ({num_heads}).", nameof(num_heads));
                (_width, _heads, _dropout, _addZero) = (embedded_dim, num_heads, dropout, add_zero_attn);
                if (kdim == embedded_dim && vdim == embedded_dim)
                {
                    in_proj_weight = Xavier(3 * embedded_dim, embedded_dim);
                }
                else
                {
                    q_proj_weight = Xavier(embedded_dim, embedded_dim);
                    k_proj_weight = Xavier(embedded_dim, kdim);
                    v_proj_weight = Xavier(embedded_dim, vdim);
                }
                if (bias)
                    in_proj_bias = nn.Parameter(zeros(3 * embedded_dim));
                out_proj = nn.Linear(embedded_dim, embedded_dim, bias);
                if (bias)
                    nn.init.zeros_(out_proj.bias!);
                if (add_bias_kv)
                {
                    bias_k = nn.Parameter(empty(1, 1, embedded_dim));
                    bias_v = nn.Parameter(empty(1, 1, embedded_dim));
                    nn.init.xavier_normal_(bias_k);
                    nn.init.xavier_normal_(bias_v);
                }
                RegisterComponents();
            }

            public new Tuple<Tensor, Tensor> call(Tensor query, Tensor key, Tensor value, Tensor? key_padding_mask = null, bool need_weights = true, Tensor? attn_mask = null)
                => base.call(query, key, value, key_padding_mask, need_weights, attn_mask);

            /// <param name="query">[L, N, E]</param>
            /// <param name="key">[S, N, kdim]</param>
            /// <param name="value">[S, N, vdim]</param>
            /// <param name="key_padding_mask">[N, S]: true, or minus infinity, where a key is padding.</param>
            /// <param name="need_weights">Whether the weights, averaged over the heads, are wanted.</param>
            /// <param name="attn_mask">[L, S] or [N heads, L, S]: true where a query may not look, or a number to add.</param>
            /// <returns>[L, N, E], and the weights [N, L, S].</returns>
            public override Tuple<Tensor, Tensor> forward(Tensor query, Tensor key, Tensor value, Tensor? key_padding_mask, bool need_weights, Tensor? attn_mask)
            {
                using var scope = NewDisposeScope();
                var (length, batch) = (query.size(0), query.size(1));
                var (q, k, v) = Project(query, key, value);
                var extra = 0L;
                if (bias_k is not null)
                {
                    k = cat([k, bias_k.expand(1, batch, _width)]);
                    v = cat([v, bias_v!.expand(1, batch, _width)]);
                    extra++;
                }
                (q, k, v) = (Heads(q), Heads(k), Heads(v)); // [N heads, L or S, E / heads]
                if (_addZero)
                {
                    var zero = k.new_zeros(k.size(0), 1, k.size(2));
                    (k, v) = (cat([k, zero], 1), cat([v, zero], 1));
                    extra++;
                }

                var scores = bmm(q * (1 / Math.Sqrt((double)_width / _heads)), k.transpose(1, 2)); // [N heads, L, S]
                if (Additive(attn_mask, extra, scores) is { } mask)
                    scores = scores + mask;
                if (Additive(key_padding_mask, extra, scores) is { } padding)
                {
                    var split = scores.view(batch, _heads, length, -1) + padding.view(batch, 1, 1, -1);
                    scores = split.view(batch * _heads, length, -1);
                }
                var weights = nn.functional.softmax(scores, -1);
                var kept = training && _dropout > 0 ? nn.functional.dropout(weights, _dropout, true) : weights;
                var output = out_proj.call(bmm(kept, v).transpose(0, 1).reshape(length, batch, _width));
                var mean = need_weights ? kept.view(batch, _heads, length, -1).mean([1]) : null;
                output.MoveToOuterDisposeScope();
                mean?.MoveToOuterDisposeScope();
                return Tuple.Create(output, mean!);
            }

            private (Tensor, Tensor, Tensor) Project(Tensor query, Tensor key, Tensor value)
            {
                var biases = in_proj_bias?.chunk(3);
                if (in_proj_weight is null)
                    return (Linear(query, q_proj_weight!, biases?[0]), Linear(key, k_proj_weight!, biases?[1]), Linear(value, v_proj_weight!, biases?[2]));
                if (ReferenceEquals(query, key) && ReferenceEquals(key, value))
                {
                    var joint = Linear(query, in_proj_weight, in_proj_bias).chunk(3, -1);
                    return (joint[0], joint[1], joint[2]);
                }
                var parts = in_proj_weight.chunk(3);
                return (Linear(query, parts[0], biases?[0]), Linear(key, parts[1], biases?[1]), Linear(value, parts[2], biases?[2]));
            }

            private static Tensor Linear(Tensor input, Tensor weight, Tensor? bias) => nn.functional.linear(input, weight, bias);

            private Tensor Heads(Tensor x) => x.contiguous().view(x.size(0), -1, _width / _heads).transpose(0, 1);

            /// <summary>A mask as numbers to add, widened by the keys that this module adds itself.</summary>
            private static Tensor? Additive(Tensor? mask, long extra, Tensor like)
            {
                if (mask is null)
                    return null;
                if (mask.dtype is ScalarType.Bool or ScalarType.Byte)
                    mask = zeros_like(mask, dtype: like.dtype).masked_fill_(mask.to(ScalarType.Bool), double.NegativeInfinity);
                return extra == 0 ? mask : nn.functional.pad(mask, (0, extra));
            }

            private static Parameter Xavier(long rows, long columns)
            {
                var weight = nn.Parameter(empty(rows, columns));
                nn.init.xavier_uniform_(weight);
                return weight;
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static MultiheadAttention MultiheadAttention(long embedded_dim, long num_heads, double dropout = 0.0, bool bias = true, bool add_bias_kv = false, bool add_zero_attn = false, long? kdim = null, long? vdim = null)
                => new(embedded_dim, num_heads, dropout, bias, add_bias_kv, add_zero_attn, kdim ?? embedded_dim, vdim ?? embedded_dim);
        }
    }
}
