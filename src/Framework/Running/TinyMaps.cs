using System.Runtime.CompilerServices;
using Tessera.Torch.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>One rule for every convolution that trains on the CPU over a map of which parts of its kernel never see anything (a pyramid's
/// last level on a small image, a large dilation): it is computed so that those parts' gradients are 0.</summary>
/// <remarks>See <see cref="SeenTaps"/> for what goes wrong otherwise. The layers stay what they are, so that names, checkpoints and taps
/// don't change.</remarks>
public static class TinyMaps
{
    private static readonly ConditionalWeakTable<nn.Module, object> s_attached = [];

    /// <summary>From now on, for all two-dimensional convolutions of a model, those of plugins too. A second time changes
    /// nothing.</summary>
    public static void Attach(nn.Module model)
    {
        foreach (var module in model.modules())
        {
            if (module is not Conv2d conv || conv.kernel_size.All(side => side == 1) || !s_attached.TryAdd(conv, conv))
                continue;
            conv.register_forward_hook((_, input, output) => Applies(conv, input) ? Again(conv, input, output) : output);
        }
    }

    /// <summary>Whether a convolution's weights would get a gradient of unset memory.</summary>
    /// <param name="input">[B, C, H, W].</param>
    public static bool Applies(Conv2d conv, Tensor input) =>
        is_grad_enabled()
        && input.device_type == DeviceType.CPU
        && input.dim() == 4
        && conv.weight.requires_grad
        && conv.padding_mode == PaddingModes.Zeros
        && SeenTaps.Miss(conv, input);

    private static Tensor Again(Conv2d conv, Tensor input, Tensor output)
    {
        output.Dispose();
        return SeenTaps.Convolve(conv, input, conv.weight, conv.bias);
    }
}
