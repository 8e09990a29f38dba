using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>The p-norm of the difference of two tensors along the last dimension.</summary>
        public sealed class PairwiseDistance : ParameterLessModule<Tensor, Tensor, Tensor>
        {
            internal PairwiseDistance(double p, double eps, bool keepdim) : base(nameof(PairwiseDistance))
                => (norm, this.eps, this.keepdim) = (p, eps, keepdim);

            public double norm { get; set; }
            public double eps { get; set; }
            public bool keepdim { get; set; }

            public override Tensor forward(Tensor input1, Tensor input2) => nn.functional.pairwise_distance(input1, input2, norm, eps, keepdim);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static PairwiseDistance PairwiseDistance(double p = 2.0, double eps = 1e-6, bool keepdim = false) => new(p, eps, keepdim);
        }
    }
}
