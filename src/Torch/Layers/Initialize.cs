using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch.Layers;

/// <summary>Fills weights at random, as PyTorch's torch.nn.init does.</summary>
/// <remarks>
/// Why it exists: <c>nn.init.trunc_normal_</c> of TorchSharp 0.107 fills the tensor with one constant. It can go when the test
/// <c>InitializerDefects.TruncNormal_FillsWithOneConstant</c> fails.
/// </remarks>
public static class Initialize
{
    /// <summary>
    /// Fills the tensor in place from a normal whose tails are cut off; what is cut off is spread over the rest.
    /// Drawn by inversion: a uniform number between Φ((low - mean) / deviation) and Φ((high - mean) / deviation), through Φ's inverse
    /// (PyTorch's
    /// trunc_normal_: the same seed gives the same numbers).
    /// </summary>
    /// <param name="tensor">Any shape; floating point.</param>
    /// <param name="mean">The mean of the normal before the cut.</param>
    /// <param name="deviation">Its standard deviation; above 0.</param>
    /// <param name="low">No value is below, in the tensor's own unit.</param>
    /// <param name="high">No value is above.</param>
    /// <returns>The tensor itself.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The deviation isn't above 0, or low isn't below high.</exception>
    public static Tensor TruncatedNormal(Tensor tensor, double mean = 0, double deviation = 1, double low = -2, double high = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(deviation);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(low, high);
        using var scope = NewDisposeScope();
        using var noGradients = no_grad();
        var spread = deviation * Math.Sqrt(2);
        var bounds = torch.tensor((double[])[(low - mean) / spread, (high - mean) / spread]).erf_(); // 2 Φ - 1 at both ends
        tensor.uniform_(bounds[0].item<double>(), bounds[1].item<double>());
        tensor.erfinv_().mul_(spread).add_(mean).clamp_(low, high);
        return tensor;
    }
}
