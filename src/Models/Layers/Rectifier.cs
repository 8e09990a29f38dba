using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>
/// The ReLU of layers that have none as a module, so that an explanation can give it another gradient (guided backpropagation).
/// </summary>
public static class Rectifier
{
    [ThreadStatic]
    private static Guide? t_guide;

    /// <summary>Whether this thread's ReLUs have another gradient now.</summary>
    internal static bool IsGuided => t_guide is not null;

    /// <summary>max(x, 0), in the place of x.</summary>
    public static Tensor InPlace(Tensor x) => t_guide is { } guide ? guide.Of(x.relu_()) : x.relu_();

    /// <summary>max(x, 0).</summary>
    public static Tensor Of(Tensor x) => t_guide is { } guide ? guide.Of(x.relu()) : x.relu();

    /// <summary>From here until disposed, gradients pass this thread's ReLUs only where they are positive.</summary>
    internal static Guide Enter() => t_guide = new Guide(t_guide);

    /// <summary>While it is entered, a gradient that comes to a ReLU is cut off below 0.</summary>
    internal sealed class Guide(Guide? outer) : IDisposable
    {
        /// <summary>How many ReLUs have run.</summary>
        public int Count { get; private set; }

        /// <summary>What a ReLU gave, with the other gradient.</summary>
        public Tensor Of(Tensor rectified)
        {
            Count++;
            return PositiveGradient.apply(rectified);
        }

        public void Dispose() => t_guide = outer;
    }
}
