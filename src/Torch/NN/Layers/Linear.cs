using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>y = x weightᵀ + bias, [*, in_features] to [*, out_features].</summary>
        public sealed class Linear : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;
            [ComponentName(Name = nameof(bias))] private Parameter? _bias;

            internal Linear(long inputSize, long outputSize, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Linear))
            {
                (in_features, out_features) = (inputSize, outputSize);
                weight = nn.Parameter(empty(outputSize, inputSize, dtype: dtype, device: device));
                if (hasBias)
                    bias = nn.Parameter(empty(outputSize, dtype: dtype, device: device));
                nn.init.LikePyTorch(weight, bias);
            }

            internal Linear(Parameter weight, Parameter? bias) : base(nameof(Linear))
            {
                (out_features, in_features) = (weight.shape[0], weight.shape[1]);
                (this.weight, this.bias) = (weight, bias);
            }

            public long in_features { get; set; }
            public long out_features { get; set; }

            public Parameter weight
            {
                get => _weight!;
                set => SetParameter(nameof(weight), ref _weight, value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public Parameter? bias
            {
                get => _bias;
                set => SetParameter(nameof(bias), ref _bias, value);
            }

            public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight!, _bias);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Linear Linear(long inputSize, long outputSize, bool hasBias = true, Device? device = null, ScalarType? dtype = null)
                => new(inputSize, outputSize, hasBias, device, dtype);

            public static Linear Linear(Parameter weight, Parameter? bias = null) => new(weight, bias);
        }
    }
}
