using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>State of a device's default generator of random numbers.</summary>
/// <remarks>Why it exists: TorchSharp reads a CPU's generator alone; that of a CUDA device is told as missing (empty) instead of failing.</remarks>
public static class RandomState
{
    /// <summary>The state as bytes; empty for devices whose generator TorchSharp can't reach.</summary>
    public static byte[] Get(Device device)
    {
        if (device.type != DeviceType.CPU) return [];
        using var state = random.get_rng_state();
        return state.bytes.ToArray();
    }

    /// <summary>Puts a state back; an empty one changes nothing.</summary>
    public static void Set(Device device, byte[] state)
    {
        if (device.type != DeviceType.CPU || state.Length == 0) return;
        using var tensor = torch.tensor(state);
        random.set_rng_state(tensor);
    }
}
