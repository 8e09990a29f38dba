using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>x moved towards 0 by lambda, 0 in between.</summary>
        public sealed class Softshrink : ParameterLessModule<Tensor, Tensor>
        {
            internal Softshrink(double lambda) : base(nameof(Softshrink)) => this.lambda = lambda;

            public double lambda { get; set; }

            public override Tensor forward(Tensor tensor) => nn.functional.softshrink(tensor, lambda);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static Softshrink Softshrink(double lambda = 0.5) => new(lambda);
        }
    }
}
