using System.Globalization;
using Tessera.Torch;
using TorchSharp;

namespace Tessera.Framework.Running.Distributed;

/// <summary>The group that the environment names, as launchers such as torchrun set it.</summary>
public static class ProcessGroups
{
    /// <summary>Joins the group of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; a group of one where they aren't set.</summary>
    /// <exception cref="UserErrorException">A variable is missing or makes no sense.</exception>
    public static IProcessGroup FromEnvironment(DeviceType device, Func<string, string?>? environment = null)
    {
        var read = environment ?? Environment.GetEnvironmentVariable;
        if (read("WORLD_SIZE") is not { Length: > 0 } size) return new SingleProcess();
        var worldSize = Number("WORLD_SIZE", size, 1, 1 << 20);
        if (worldSize == 1) return new SingleProcess();
        var rank = Number("RANK", read("RANK"), 0, worldSize - 1);
        var port = Number("MASTER_PORT", read("MASTER_PORT"), 1, 65535);
        var address = read("MASTER_ADDR") is { Length: > 0 } given ? given : throw new UserErrorException("WORLD_SIZE is set, so MASTER_ADDR must name the machine of rank 0.");
        throw new UserErrorException($"Rank {rank} of {worldSize} at {address}:{port}: several processes are not built in yet.");
    }

    private static int Number(string name, string? text, int low, int high) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= low && value <= high
            ? value
            : throw new UserErrorException($"The environment variable {name} must be a number from {low} to {high} where WORLD_SIZE is set; it is {(text is null ? "not set" : $"\"{text}\"")}.");
}
