using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>y = x₁ᵀ weight x₂ + bias.</summary>
        public sealed class Bilinear : nn.Module<Tensor, Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;
            [ComponentName(Name = nameof(bias))] private Parameter? _bias;

            internal Bilinear(long in1_features, long in2_features, long out_features, bool hasBias, Device? device, ScalarType? dtype) : base(nameof(Bilinear))
            {
                (this.in1_features, this.in2_features, this.out_features) = (in1_features, in2_features, out_features);
                var bound = 1 / Math.Sqrt(in1_features);
                weight = nn.Parameter(empty([out_features, in1_features, in2_features], dtype: dtype, device: device));
                nn.init.uniform_(weight, -bound, bound);
                if (!hasBias)
                    return;
                bias = nn.Parameter(empty(out_features, dtype: dtype, device: device));
                nn.init.uniform_(bias, -bound, bound);
            }

            public long in1_features { get; set; }
            public long in2_features { get; set; }
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

            public override Tensor forward(Tensor input1, Tensor input2) => nn.functional.bilinear(input1, input2, _weight!, _bias);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Bilinear Bilinear(long in1_features, long in2_features, long out_features, bool hasBias = true, Device? device = null, ScalarType? dtype = null)
                => new(in1_features, in2_features, out_features, hasBias, device, dtype);
        }
    }
}
