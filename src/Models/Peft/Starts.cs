using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Peft;

/// <summary>How the parameters of methods begin.</summary>
internal static class Starts
{
    /// <summary>Uniform within ±<paramref name="bound"/>.</summary>
    public static Parameter Uniform(double bound, params long[] shape) => Parameter(empty(shape).uniform_(-bound, bound));

    /// <summary>Uniform within ±1 / √fan-in: Kaiming's bound with a slope of √5, which linear layers begin with, too.</summary>
    /// <param name="shape">[out, in, …].</param>
    public static Parameter Kaiming(params long[] shape) => Uniform(1 / Math.Sqrt(shape[1..].Aggregate(1L, (a, b) => a * b)), shape);
}
