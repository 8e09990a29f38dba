using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>A stack of copies of one encoder layer.</summary>
        public sealed class TransformerEncoder : nn.Module<Tensor, Tensor?, Tensor?, Tensor>, nn.IModule<Tensor, Tensor, Tensor>, nn.IModule<Tensor, Tensor>
        {
            private readonly ModuleList<TransformerEncoderLayer> layers = new();
            private readonly LayerNorm? norm;

            internal TransformerEncoder(TransformerEncoderLayer layer, long count, LayerNorm? norm = null) : base(nameof(TransformerEncoder))
            {
                for (long i = 0; i < count; i++)
                    layers.Add(layer.Copy());
                this.norm = norm;
                RegisterComponents();
            }

            public enum Activations
            {
                ReLU = 0,
                GELU = 1,
            }

            public Tensor call(Tensor src, Tensor src_mask) => base.call(src, src_mask, null);

            public Tensor call(Tensor src) => base.call(src, null, null);

            public override Tensor forward(Tensor src, Tensor? src_mask, Tensor? src_key_padding_mask)
            {
                using var scope = NewDisposeScope();
                var x = src.alias();
                foreach (var layer in layers)
                    x = layer.call(x, src_mask, src_key_padding_mask);
                return (norm?.call(x) ?? x).MoveToOuterDisposeScope();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static TransformerEncoder TransformerEncoder(TransformerEncoderLayer encoder_layer, long num_layers) => new(encoder_layer, num_layers);
        }
    }
}
