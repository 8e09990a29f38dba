using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>A table of vectors looked up by index: [*] to [*, embedding_dims].</summary>
        public sealed class Embedding : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;
            private readonly long? _paddingIndex;
            private readonly double? _maxNorm;
            private readonly double _normType;
            private readonly bool _scaleByFrequency, _sparse;

            internal Embedding(Parameter weight, long? padding_idx, double? max_norm, double norm_type, bool scale_grad_by_freq, bool sparse) : base(nameof(Embedding))
            {
                var rows = weight.size(0);
                if (padding_idx < -rows || padding_idx >= rows)
                    throw new ArgumentException($"padding_idx {padding_idx} lies outside the table of {rows}.", nameof(padding_idx));
                this.weight = weight;
                _paddingIndex = padding_idx < 0 ? padding_idx + rows : padding_idx;
                (_maxNorm, _normType, _scaleByFrequency, _sparse) = (max_norm, norm_type, scale_grad_by_freq, sparse);
            }

            public Parameter? weight
            {
                get => _weight;
                set => SetParameter(nameof(weight), ref _weight, value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public override Tensor forward(Tensor input)
            {
                if (_maxNorm is { } most)
                    EmbeddingTable.Renormalize(_weight!, input, most, _normType);
                return EmbeddingTable.LookUp(_weight!, input, _paddingIndex ?? -1, _scaleByFrequency, _sparse);
            }

            internal void ZeroPadding()
            {
                if (_paddingIndex is not { } index)
                    return;
                using var noGrad = no_grad();
                using var row = _weight!.select(0, index);
                row.zero_();
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
            {
                var weight = Parameter(empty(num_embeddings, embedding_dims, dtype: dtype, device: device));
                init.normal_(weight);
                var result = new Embedding(weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
                result.ZeroPadding();
                return result;
            }

            public static Embedding Embedding_from_pretrained(Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device? device = null, ScalarType? dtype = null)
                => new(EmbeddingTable.Copy(embeddings, freeze, device, dtype), padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
        }
    }
}
