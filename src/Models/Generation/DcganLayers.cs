using System.Numerics;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Models.Generation;

/// <summary>What generator and discriminator of a DCGAN share.</summary>
internal static class DcganLayers
{
    /// <summary>Of the leaky ReLU.</summary>
    public const double Slope = 0.2;

    private const int Widest = 16384;
    private const double Deviation = 0.02;

    /// <summary>How often the channels double: layers between the one at the image and the one at 4 x 4.</summary>
    /// <exception cref="UserErrorException">The size is no power of two, or the widest layer would be too wide.</exception>
    public static int Doublings(int size, int channels, string name)
    {
        if (!BitOperations.IsPow2(size))
            throw new UserErrorException(
                $"{name}: size is {size}; a power of two was expected, such as {BitOperations.RoundUpToPowerOf2((uint)size)}."
            );
        var doublings = BitOperations.Log2((uint)size) - 3;
        if ((long)channels << doublings > Widest)
            throw new UserErrorException(
                $"{name}: size {size} with channels {channels} needs a layer of {(long)channels << doublings} channels; at most {Widest} "
                    + "are allowed. Take fewer channels."
            );
        return doublings;
    }

    /// <summary>Convolutions from a normal of mean 0 and deviation 0.02, norms from one of mean 1; biases 0.</summary>
    public static void Start(nn.Module module)
    {
        foreach (var part in module.modules())
        {
            if (part is Convolution convolution)
            {
                nn.init.normal_(convolution.weight!, std: Deviation);
                if (convolution.bias is not null)
                    nn.init.zeros_(convolution.bias);
            }
            else if (part is SpectralConv2d spectral)
            {
                spectral.Start(Deviation);
            }
            else if (part is BatchNorm2d norm)
            {
                nn.init.normal_(norm.weight!, mean: 1, std: Deviation);
                nn.init.zeros_(norm.bias!);
            }
        }
    }
}
