using System.Globalization;
using Tessera.Framework.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>Whether a loss that applies a softmax or sigmoid itself is given probabilities instead of logits.</summary>
internal static class ProbabilityLook
{
    private const double Tolerance = 1e-3; // a softmax in bfloat16 sums to 1 within that

    /// <param name="logits">[B, classes, …], float32.</param>
    /// <param name="activation">What the loss applies.</param>
    /// <returns>What is likely to be wrong; null where the numbers are no probabilities.</returns>
    public static string? At(Tensor logits, ClassActivation activation)
    {
        if (logits.dim() < 2 || logits.shape[1] < 2 || logits.numel() == 0)
            return null;
        using var scope = NewDisposeScope();
        var seen = logits.detach();
        if (seen.min().ToDouble() < 0 || seen.max().ToDouble() > 1 || seen.sum(1).sub(1).abs().max().ToDouble() > Tolerance)
            return null;
        var classes = (int)logits.shape[1];
        var applied = activation == ClassActivation.Softmax ? "softmax" : "sigmoid";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"what it is given are probabilities already: all lie in [0, 1], and those of the {classes} classes sum to 1. The loss "
                + $"applies a {applied} itself, and with one true class it can't fall below {Least(activation, classes):0.000} so. "
                + $"Leave the softmax out of the model."
        );
    }

    /// <summary>The least that the loss can be on probabilities that sum to 1, with one true class: reached where that one has
    /// all.</summary>
    /// <remarks>Sigmoid: -ln σ(1) for the true class and -ln(1 - σ(0)) for the others, the mean of them. Softmax: -ln(e / (e + classes -
    /// 1)).</remarks>
    public static double Least(ClassActivation activation, int classes) =>
        activation == ClassActivation.Softmax
            ? Math.Log(1 + ((classes - 1) / Math.E))
            : (Math.Log(1 + Math.Exp(-1)) + ((classes - 1) * Math.Log(2))) / classes;
}
