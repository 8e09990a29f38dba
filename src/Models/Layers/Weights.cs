using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Layers;

/// <summary>How layers are filled at first.</summary>
internal static class Weights
{
    /// <summary>Transformers: weights of linear layers from a normal of deviation 0.02, cut off at ±2; biases 0.</summary>
    public static void Transformer(nn.Module module)
    {
        foreach (var linear in module.modules().OfType<Linear>())
            Truncated(linear);
    }

    /// <summary>A linear layer from a normal of the given deviation; its bias 0.</summary>
    public static void Truncated(Linear linear, double deviation = 0.02)
    {
        Initialize.TruncatedNormal(linear.weight!, deviation: deviation);
        if (linear.bias is not null)
            nn.init.zeros_(linear.bias);
    }

    /// <summary>Convolutional networks with ReLU: a normal of deviation √(2 / fan-out).</summary>
    /// <remarks>He et al., "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.</remarks>
    /// <param name="except">A layer that stays as it is.</param>
    public static void Convolutional(nn.Module module, Conv2d? except = null)
    {
        foreach (var convolution in module.modules().OfType<Conv2d>())
        {
            if (convolution == except)
                continue;
            nn.init.kaiming_normal_(convolution.weight!, mode: nn.init.FanInOut.FanOut, nonlinearity: nn.init.NonlinearityType.ReLU);
            if (convolution.bias is not null)
                nn.init.zeros_(convolution.bias);
        }
    }

    /// <summary>Convolutions of a transformer: a normal of deviation √(2 / fan-out), the groups counted; biases 0.</summary>
    public static void FanOut(nn.Module module)
    {
        foreach (var convolution in module.modules().OfType<Conv2d>())
        {
            var shape = convolution.weight!.shape;
            nn.init.normal_(convolution.weight!, std: Math.Sqrt(2.0 / (shape[2] * shape[3] * shape[0] / convolution.groups)));
            if (convolution.bias is not null)
                nn.init.zeros_(convolution.bias);
        }
    }
}
