using System.Diagnostics.CodeAnalysis;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>State of a device's default generator of random numbers.</summary>
/// <remarks>
/// Why it exists: TorchSharp reads a CPU's generator alone; that of a CUDA device is told as missing (empty) instead of failing. And a
/// state that
/// libtorch refuses ends the process, since TorchSharp 0.107 lets that exception pass (test <c>FatalErrors</c>): states come from files.
/// </remarks>
public static class RandomState
{
    /// <summary>The state as bytes; empty for devices whose generator TorchSharp can't reach.</summary>
    public static byte[] Get(Device device)
    {
        if (device.type != DeviceType.CPU)
            return [];
        using var state = random.get_rng_state();
        return state.bytes.ToArray();
    }

    /// <summary>Puts a state back; an empty one changes nothing.</summary>
    /// <exception cref="FormatException">It is not the state of such a generator.</exception>
    [SuppressMessage("ApiDesign", "RS0030", Justification = "The one place that calls it, with a state that libtorch takes.")]
    public static void Set(Device device, byte[] state)
    {
        if (device.type != DeviceType.CPU || state.Length == 0)
            return;
        if (!IsState(state))
            throw new FormatException($"These {state.Length} bytes are not the state of a CPU's generator of random numbers.");
        using var tensor = torch.tensor(state);
        random.set_rng_state(tensor);
    }

    // libtorch's own conditions (CPUGeneratorImpl, a Mersenne Twister): seed (8 bytes), numbers left (4), whether seeded (4), the next
    // one's place (8), …
    private static bool IsState(ReadOnlySpan<byte> state)
    {
        const int numbers = 624;
        using var own = random.get_rng_state();
        return state.Length == own.numel()
            && BitConverter.ToInt32(state[8..]) is > 0 and <= numbers
            && BitConverter.ToInt32(state[12..]) != 0
            && BitConverter.ToUInt64(state[16..]) <= numbers;
    }
}
