using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Normalizes groups of channels of each example; input [N, C, *].</summary>
        /// <remarks>Wu and He, "Group Normalization", 2018, arXiv:1803.08494.</remarks>
        public sealed class GroupNorm : nn.Module<Tensor, Tensor>
        {
            [ComponentName(Name = nameof(weight))] private Parameter? _weight;
            [ComponentName(Name = nameof(bias))] private Parameter? _bias;

            internal GroupNorm(long num_groups, long num_channels, double eps, bool affine, Device? device, ScalarType? dtype) : base(nameof(GroupNorm))
            {
                (this.num_groups, this.eps, this.affine) = (num_groups, eps, affine);
                if (!affine)
                    return;
                weight = nn.Parameter(ones(num_channels, dtype: dtype, device: device));
                bias = nn.Parameter(zeros(num_channels, dtype: dtype, device: device));
            }

            public long num_groups { get; set; }
            public double eps { get; set; }
            public bool affine { get; set; }

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

            public override Tensor forward(Tensor tensor)
            {
                if (tensor.dim() < 3)
                    throw new ArgumentException($"Invalid number of dimensions for GroupNorm argument: {tensor.dim()}");
                return nn.functional.group_norm(tensor, num_groups, _weight, _bias, eps);
            }
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static GroupNorm GroupNorm(long num_groups, long num_channels, double eps = 1e-05, bool affine = true, Device? device = null, ScalarType? dtype = null)
                => new(num_groups, num_channels, eps, affine, device, dtype);
        }
    }
}
