using System.Globalization;
using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>The device that a config or a command line names.</summary>
public static class DeviceChoice
{
    /// <param name="text">auto, cpu, cuda or cuda:N.</param>
    /// <exception cref="UserErrorException">There is no such device.</exception>
    public static Device Resolve(string text)
    {
        var local = Launch.Find().LocalRank;
        switch (text)
        {
            case "cpu":
                return CPU;
            case "auto" when !cuda.is_available():
                return CPU;
            case "auto" or "cuda":
                return Cuda(local, text);
        }
        if (
            text.StartsWith("cuda:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        )
            return Cuda(index, text);
        throw new UserErrorException($"device: \"{text}\" names no device. Expected auto, cpu, cuda or cuda:N.");
    }

    private static Device Cuda(int index, string text)
    {
        if (!cuda.is_available())
            throw new UserErrorException(
                $"device: \"{text}\" asks for a CUDA device, and there is none that this build can use. Use cpu or auto."
            );
        var count = cuda.device_count();
        if (index >= count)
            throw new UserErrorException(
                $"device: there is no cuda:{index}; this machine has {count} "
                    + $"({string.Join(", ", Enumerable.Range(0, count).Select(i => $"cuda:{i}"))})."
            );
        return new Device(DeviceType.CUDA, index);
    }
}
