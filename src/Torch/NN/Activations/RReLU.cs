using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Leaky ReLU whose slope is drawn at random in training and is the mean of the bounds otherwise.</summary>
        public sealed class RReLU : ParameterLessModule<Tensor, Tensor>
        {
            internal RReLU(double lower, double upper, bool inplace) : base(nameof(RReLU))
                => (this.lower, this.upper, this.inplace) = (lower, upper, inplace);

            public double lower { get; set; }
            public double upper { get; set; }
            public bool inplace { get; set; }

            public override Tensor forward(Tensor tensor) => training ? nn.functional.rrelu(tensor, lower, upper, inplace) : nn.functional.leaky_relu(tensor, (lower + upper) / 2, inplace);
        }
    }

    public static partial class torch
    {
        public static partial class nn
        {
            public static RReLU RReLU(double lower = 1.0 / 8.0, double upper = 1.0 / 3.0, bool inplace = false) => new(lower, upper, inplace);
        }
    }
}
