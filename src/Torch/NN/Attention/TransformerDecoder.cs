using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>A stack of copies of one decoder layer.</summary>
        public sealed class TransformerDecoder : nn.Module<Tensor, Tensor, Tensor?, Tensor?, Tensor?, Tensor?, Tensor>
        {
            private readonly ModuleList<TransformerDecoderLayer> layers = new();
            private readonly LayerNorm? norm;

            internal TransformerDecoder(TransformerDecoderLayer layer, long count, LayerNorm? norm = null) : base(nameof(TransformerDecoder))
            {
                for (long i = 0; i < count; i++)
                    layers.Add(layer.Copy());
                this.norm = norm;
                RegisterComponents();
            }

            public new Tensor call(Tensor tgt, Tensor memory, Tensor? tgt_mask, Tensor? memory_mask = null, Tensor? tgt_key_padding_mask = null, Tensor? memory_key_padding_mask = null)
                => base.call(tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);

            public Tensor call(Tensor tgt, Tensor memory) => base.call(tgt, memory, null, null, null, null);

            public override Tensor forward(Tensor tgt, Tensor memory, Tensor? tgt_mask, Tensor? memory_mask = null, Tensor? tgt_key_padding_mask = null, Tensor? memory_key_padding_mask = null)
            {
                using var scope = NewDisposeScope();
                var x = tgt.alias();
                foreach (var layer in layers)
                    x = layer.call(x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask);
                return (norm?.call(x) ?? x).MoveToOuterDisposeScope();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static TransformerDecoder TransformerDecoder(TransformerDecoderLayer decoder_layer, long num_layers) => new(decoder_layer, num_layers);
        }
    }
}
