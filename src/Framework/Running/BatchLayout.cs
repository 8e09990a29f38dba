using Tessera.Framework.Data;
using Tessera.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>How images and convolution weights lie in memory.</summary>
public static class BatchLayout
{
    /// <summary>Moves a batch to a device.</summary>
    /// <param name="channelsLast">Lays its images out NHWC in memory, too; shapes stay.</param>
    public static void Place(this Batch batch, Device device, bool channelsLast)
    {
        batch.To(device);
        if (channelsLast)
            batch.ToChannelsLast();
    }

    /// <summary>Lays the images out NHWC in memory; shapes stay.</summary>
    public static void ToChannelsLast(this Batch batch)
    {
        var images = ChannelsLast.Lay(batch.Images).DetachFromDisposeScope();
        if (ReferenceEquals(images, batch.Images))
            return;
        batch.Images.Dispose();
        batch.Images = images;
    }

    /// <summary>The same for the model's convolution weights.</summary>
    public static void ToChannelsLast(this nn.Module model)
    {
        using var _ = no_grad();
        foreach (var parameter in model.parameters())
        {
            if (parameter.dim() != 4)
                continue;
            using var laidOut = ChannelsLast.Lay(parameter.detach());
            parameter.set_(laidOut);
        }
    }

    /// <summary>Whether most of the model's weights are convolutions over more than one channel and pixel, which is where NHWC
    /// helps.</summary>
    public static bool IsConvolutional(nn.Module model)
    {
        long convolutions = 0,
            all = 0;
        foreach (var parameter in model.parameters())
        {
            var count = parameter.numel();
            all += count;
            if (parameter.dim() == 4 && parameter.shape[1] > 4 && parameter.shape[2] <= 7)
                convolutions += count;
        }
        return convolutions * 2 > all;
    }

    /// <summary>
    /// The name of a convolution whose backward pass would write beyond its buffer: in oneDNN 2.6 and 3.7 on processors without AVX-512
    /// that of a strided 1x1 convolution over a few channels (2 to 6 were found; fewer than 16 are told), channels last and in float32.
    /// PyTorch dies of it, too.
    /// </summary>
    public static string? Overrunning(nn.Module model) =>
        model
            .named_modules()
            .FirstOrDefault(named =>
                named.module is Conv2d { groups: 1, in_channels: < 16 } conv
                && conv.kernel_size.All(side => side == 1)
                && conv.stride.Any(step => step > 1)
            )
            .name;
}
