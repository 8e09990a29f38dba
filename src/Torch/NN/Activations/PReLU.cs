using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>x where positive, otherwise a learned multiple of it: one for all channels or one each.</summary>
        /// <remarks>He et al., "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.</remarks>
        public sealed class PReLU : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;

            internal PReLU(long num_parameters, double init, Device? device, ScalarType? dtype) : base(nameof(PReLU))
            {
                (this.num_parameters, this.init) = (num_parameters, init);
                weight = nn.Parameter(empty(num_parameters, dtype: dtype, device: device));
                nn.init.constant_(weight, init);
            }

            public long num_parameters { get; }
            public double init { get; }

            public Parameter weight
            {
                get => _weight!;
                set => SetParameter(nameof(weight), ref _weight, value ?? throw new ArgumentNullException(nameof(weight)));
            }

            public override Tensor forward(Tensor tensor) => nn.functional.prelu(tensor, _weight!);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static PReLU PReLU(long num_parameters, double init = 0.25, Device? device = null, ScalarType? dtype = null)
                => new(num_parameters, init, device, dtype);
        }
    }
}
