using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Negative log-likelihood under a normal distribution of predicted mean and variance.</summary>
        public sealed class GaussianNLLLoss : Loss<Tensor, Tensor, Tensor, Tensor>
        {
            public GaussianNLLLoss(bool full = false, float eps = 1e-8f, nn.Reduction reduction = nn.Reduction.Mean) : base(reduction)
                => (this.full, this.eps) = (full, eps);

            public bool full { get; }
            public float eps { get; }

            public override Tensor forward(Tensor input, Tensor target, Tensor variance)
                => nn.functional.gaussian_nll_loss(input, target, variance, full, eps, reduction);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static GaussianNLLLoss GaussianNLLLoss(bool full = false, float eps = 1e-8f, Reduction reduction = Reduction.Mean) => new(full, eps, reduction);
        }
    }
}
