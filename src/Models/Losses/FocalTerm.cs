using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>What the focal losses of images, maps and boxes share.</summary>
internal static class FocalTerm
{
    private const double Smallest = 1e-8; // the power's derivative is infinite at 0 for gamma below 1

    /// <summary>How much an example counts: what its truth's probability lacks of 1, to the power of gamma.</summary>
    public static Tensor Modulation(Tensor missing, double gamma) => missing.clamp_min(Smallest).pow(gamma);
}
