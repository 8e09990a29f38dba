using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Self-attention and a two-layer perceptron, each with a residual connection and layer norm after it; [S, N, E].</summary>
        /// <remarks>Vaswani et al., "Attention Is All You Need", 2017, arXiv:1706.03762. Parameter names as PyTorch's.</remarks>
        public sealed class TransformerEncoderLayer : nn.Module<Tensor, Tensor>, nn.IModule<Tensor, Tensor, Tensor>, nn.IModule<Tensor, Tensor, Tensor, Tensor>
        {
            private readonly MultiheadAttention self_attn;
            private readonly Linear linear1, linear2;
            private readonly Dropout dropout, dropout1, dropout2;
            private readonly LayerNorm norm1, norm2;
            private readonly nn.Activations _activation;
            private readonly Func<TransformerEncoderLayer> _again;

            internal TransformerEncoderLayer(long d_model, long nhead, long dim_feedforward, double dropout, nn.Activations activation) : base(nameof(TransformerEncoderLayer))
            {
                self_attn = nn.MultiheadAttention(d_model, nhead, dropout);
                (linear1, linear2) = (nn.Linear(d_model, dim_feedforward), nn.Linear(dim_feedforward, d_model));
                (this.dropout, dropout1, dropout2) = (nn.Dropout(dropout), nn.Dropout(dropout), nn.Dropout(dropout));
                (norm1, norm2) = (nn.LayerNorm(d_model), nn.LayerNorm(d_model));
                _activation = activation;
                _again = () => new(d_model, nhead, dim_feedforward, dropout, activation);
                RegisterComponents();
            }

            public Tensor call(Tensor src, Tensor? src_mask, Tensor? src_key_padding_mask) => Run(src, src_mask, src_key_padding_mask);

            public Tensor call(Tensor src, Tensor? src_mask) => Run(src, src_mask, null);

            public override Tensor forward(Tensor src) => Run(src, null, null);

            /// <summary>Another layer of the same sizes and values.</summary>
            internal TransformerEncoderLayer Copy() => StackedLayers.CopyOf(this, _again());

            private Tensor Run(Tensor src, Tensor? mask, Tensor? padding)
            {
                using var scope = NewDisposeScope();
                var attended = self_attn.call(src, src, src, padding, need_weights: false, mask).Item1;
                var x = norm1.call(src + dropout1.call(attended));
                var hidden = StackedLayers.Activate(linear1.call(x), _activation);
                return norm2.call(x + dropout2.call(linear2.call(dropout.call(hidden)))).MoveToOuterDisposeScope();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static TransformerEncoderLayer TransformerEncoderLayer(long d_model = 512, long nhead = 8, long dim_feedforward = 2048, double dropout = 0.1, Activations activation = Activations.ReLU)
                => new(d_model, nhead, dim_feedforward, dropout, activation);
        }
    }
}
