using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>What a convolution's output goes through.</summary>
internal enum Activation
{
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>min(max(x, 0), 6).</summary>
    Relu6,

    /// <summary>x · sigmoid(x).</summary>
    Silu,

    /// <summary>x · min(max(x + 3, 0), 6) / 6.</summary>
    Hardswish,
}

internal static class ActivationFunctions
{
    /// <summary>The activation of a tensor that nobody else needs; in its place where no gradient needs what was there.</summary>
    public static Tensor Run(this Activation activation, Tensor x) =>
        activation switch
        {
            Activation.Relu => Rectifier.InPlace(x),
            Activation.Relu6 => is_grad_enabled() ? nn.functional.relu6(x) : nn.functional.relu6(x, inplace: true),
            Activation.Silu => is_grad_enabled() ? nn.functional.silu(x) : nn.functional.silu(x, inplace: true),
            Activation.Hardswish => is_grad_enabled() ? nn.functional.hardswish(x) : nn.functional.hardswish(x, inplace: true),
            _ => x,
        };
}
