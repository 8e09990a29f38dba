using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Self-attention, attention to a memory and a two-layer perceptron, each with a residual connection and layer norm after it.</summary>
        /// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762. Parameter names as PyTorch's.</remarks>
        public sealed class TransformerDecoderLayer : nn.Module<Tensor, Tensor, Tensor?, Tensor?, Tensor?, Tensor?, Tensor>, nn.IModule<Tensor, Tensor, Tensor>
        {
            private readonly MultiheadAttention self_attn, multihead_attn;
            private readonly Linear linear1, linear2;
            private readonly Dropout dropout, dropout1, dropout2, dropout3;
            private readonly LayerNorm norm1, norm2, norm3;
            private readonly nn.Activations _activation;
            private readonly Func<TransformerDecoderLayer> _again;

            internal TransformerDecoderLayer(long d_model, long nhead, long dim_feedforward, double dropout, nn.Activations activation) : base(nameof(TransformerDecoderLayer))
            {
                (self_attn, multihead_attn) = (nn.MultiheadAttention(d_model, nhead, dropout), nn.MultiheadAttention(d_model, nhead, dropout));
                (linear1, linear2) = (nn.Linear(d_model, dim_feedforward), nn.Linear(dim_feedforward, d_model));
                (this.dropout, dropout1, dropout2, dropout3) = (nn.Dropout(dropout), nn.Dropout(dropout), nn.Dropout(dropout), nn.Dropout(dropout));
                (norm1, norm2, norm3) = (nn.LayerNorm(d_model), nn.LayerNorm(d_model), nn.LayerNorm(d_model));
                _activation = activation;
                _again = () => new(d_model, nhead, dim_feedforward, dropout, activation);
                RegisterComponents();
            }

            public new Tensor call(Tensor tgt, Tensor memory, Tensor? tgt_mask, Tensor? memory_mask = null, Tensor? tgt_key_padding_mask = null, Tensor? memory_key_padding_mask = null)
                => base.call(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);

            public Tensor call(Tensor tgt, Tensor memory) => base.call(tgt, memory, null, null, null, null);

            public override Tensor forward(Tensor tgt, Tensor memory, Tensor? tgt_mask, Tensor? memory_mask, Tensor? tgt_key_padding_mask, Tensor? memory_key_padding_mask)
            {
                using var scope = NewDisposeScope();
                var attended = self_attn.call(tgt, tgt, tgt, tgt_key_padding_mask, need_weights: false, tgt_mask).Item1;
                var x = norm1.call(tgt + dropout1.call(attended));
                var recalled = multihead_attn.call(x, memory, memory, memory_key_padding_mask, need_weights: false, memory_mask).Item1;
                x = norm2.call(x + dropout2.call(recalled));
                var hidden = StackedLayers.Activate(linear1.call(x), _activation);
                return norm3.call(x + dropout3.call(linear2.call(dropout.call(hidden)))).MoveToOuterDisposeScope();
            }

            /// <summary>Another layer of the same sizes and values.</summary>
            internal TransformerDecoderLayer Copy() => StackedLayers.CopyOf(this, _again());
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static TransformerDecoderLayer TransformerDecoderLayer(long d_model = 512, long nhead = 8, long dim_feedforward = 2048, double dropout = 0.1, Activations activation = Activations.ReLU)
                => new(d_model, nhead, dim_feedforward, dropout, activation);
        }
    }
}
