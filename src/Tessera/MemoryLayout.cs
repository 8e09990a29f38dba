using Microsoft.Extensions.Logging;
using Tessera.Framework.Components;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>How images and weights lie in memory: channels first as [B, C, H, W] is written, or channels last.</summary>
internal static class MemoryLayout
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    /// <summary>Whether images are to lie channels last.</summary>
    /// <param name="wanted">The config's <c>channels_last</c>.</param>
    public static bool IsChannelsLast(AutoSwitch wanted, VisionModel model, Device device, PrecisionChoice precision)
    {
        if (wanted == AutoSwitch.False)
            return false;
        var risky = device.type == DeviceType.CPU && !precision.IsMixed ? BatchLayout.Overrunning(model) : null;
        if (wanted == AutoSwitch.Auto)
            return risky is null && BatchLayout.IsConvolutional(model) && (device.type == DeviceType.CPU || precision.IsMixed);
        if (risky is not null)
            s_log.LogWarning(
                "channels_last: with {0}, a strided 1x1 convolution over fewer than 16 channels, training in fp32 can corrupt "
                    + "memory (oneDNN 3.7, processors without AVX-512). \"auto\" would leave it off.",
                risky
            );
        return true;
    }
}
