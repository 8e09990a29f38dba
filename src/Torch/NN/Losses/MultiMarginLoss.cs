using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Hinge loss between the right class and all others.</summary>
        public sealed class MultiMarginLoss : WeightedLoss<Tensor, Tensor, Tensor>
        {
            public MultiMarginLoss(int p = 1, double margin = 1.0, Tensor? weight = null, nn.Reduction reduction = nn.Reduction.Mean) : base(weight, reduction)
                => (this.margin, this.p) = (margin, p);

            public double margin { get; }
            public int p { get; }

            public override Tensor forward(Tensor input, Tensor target)
                => nn.functional.multi_margin_loss(input, target, p, margin, weight, reduction);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static MultiMarginLoss MultiMarginLoss(int p = 1, double margin = 1.0, Tensor? weight = null, Reduction reduction = Reduction.Mean) => new(p, margin, weight, reduction);
        }
    }
}
