using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    /// <summary>How the embeddings of a bag are joined.</summary>
    public enum EmbeddingBagMode
    {
        Sum = 0,
        Mean = 1,
        Max = 2,
    }

    namespace Modules
    {
        /// <summary>Sums, means or maxima of embeddings over bags of indices.</summary>
        public sealed class EmbeddingBag : nn.Module<Tensor, Tensor?, Tensor?, Tensor>, nn.IModule<Tensor, Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;
            private readonly double? _maxNorm;
            private readonly double _normType;
            private readonly bool _scaleByFrequency, _sparse, _includeLastOffset;
            private readonly EmbeddingBagMode _mode;
            private readonly long _paddingIndex;

            internal EmbeddingBag(Parameter weight, double? max_norm, double norm_type, bool scale_grad_by_freq, EmbeddingBagMode mode, bool sparse, bool include_last_offset, long padding_index) : base(nameof(EmbeddingBag))
            {
                this.weight = weight;
                (_maxNorm, _normType, _scaleByFrequency) = (max_norm, norm_type, scale_grad_by_freq);
                (_mode, _sparse, _includeLastOffset, _paddingIndex) = (mode, sparse, include_last_offset, padding_index);
            }

            public Parameter? weight
            {
                get => _weight;
                set => SetParameter(nameof(weight), ref _weight, value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public new Tensor call(Tensor input, Tensor? offsets, Tensor? perSampleWeights) => base.call(input, offsets, perSampleWeights);
            public Tensor call(Tensor input, Tensor offsets) => base.call(input, offsets, null);
            public Tensor call(Tensor input) => base.call(input, null, null);

            /// <param name="input">Indices: [B, N] with bags of N, or [N] with the start of each bag in offsets.</param>
            /// <param name="offsets">Starts of the bags, [B]; only with input [N].</param>
            /// <param name="perSampleWeights">Factors of the embeddings, shaped as the input; only for sums.</param>
            /// <returns>[B, embedding_dims]</returns>
            public override Tensor forward(Tensor input, Tensor? offsets, Tensor? perSampleWeights)
            {
                if (input.dim() == 1 == (offsets is null))
                    throw new ArgumentException("'offsets' must be given for a 1-D input and only for it.", nameof(offsets));
                if (offsets is not null && offsets.dtype != input.dtype)
                    throw new ArgumentException("input and offsets must have the same element type.", nameof(offsets));
                using var scope = NewDisposeScope();
                if (offsets is null)
                {
                    offsets = arange(0, input.numel(), input.size(1), dtype: input.dtype, device: input.device);
                    (input, perSampleWeights) = (input.reshape(-1), perSampleWeights?.reshape(-1));
                }
                if (_maxNorm is { } most)
                    EmbeddingTable.Renormalize(_weight!, input, most, _normType);
                return EmbeddingTable.Bag(_weight!, input, offsets, _scaleByFrequency, _mode, _sparse, perSampleWeights, _includeLastOffset, _paddingIndex).MoveToOuterDisposeScope();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static EmbeddingBag EmbeddingBag(long num_embeddings, long embedding_dims, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, EmbeddingBagMode mode = EmbeddingBagMode.Mean, bool sparse = false, bool include_last_offset = false, long padding_index = -1, Device? device = null, ScalarType? dtype = null)
            {
                var weight = Parameter(empty(num_embeddings, embedding_dims, dtype: dtype, device: device));
                init.normal_(weight);
                return new(weight, max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_index);
            }

            public static EmbeddingBag EmbeddingBag_from_pretrained(Tensor embeddings, bool freeze = true, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, EmbeddingBagMode mode = EmbeddingBagMode.Mean, bool sparse = false, bool include_last_offset = false, long padding_index = -1, Device? device = null, ScalarType? dtype = null)
                => new(EmbeddingTable.Copy(embeddings, freeze, device, dtype), max_norm, norm_type, scale_grad_by_freq, mode, sparse, include_last_offset, padding_index);
        }
    }
}
