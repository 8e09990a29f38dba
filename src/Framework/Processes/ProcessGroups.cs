using System.Globalization;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

/// <summary>The group that the launcher of this process has made, as its environment tells it.</summary>
public static class ProcessGroups
{
    private static readonly TimeSpan s_meetingLimit = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Joins the processes that mpirun, mpiexec or srun has started, by MPI on CPUs and by NCCL on GPUs; or, on GPUs, those of RANK,
    /// WORLD_SIZE, MASTER_ADDR
    /// and MASTER_PORT, as torchrun sets them. A group of one where nothing tells of others.
    /// </summary>
    /// <exception cref="UserErrorException">A variable is missing or makes no sense, a library is missing, or the others don't
    /// come.</exception>
    public static IProcessGroup FromEnvironment(Device device, Func<string, string?>? environment = null)
    {
        var read = environment ?? Environment.GetEnvironmentVariable;
        var launch = Launch.Find(read);
        var onGpu = device.type == DeviceType.CUDA;
        var worldSize = read("WORLD_SIZE") is { Length: > 0 } size ? Number("WORLD_SIZE", size, 1, 1 << 20) : 1;
        try
        {
            if (onGpu && worldSize > 1)
                return AtAddress(device, worldSize, read);
            if (launch.Kind != LaunchKind.Alone)
            {
                var mpi = MpiGroup.Join(launch);
                return onGpu ? NcclGroup.Join(mpi, device) : mpi;
            }
        }
        catch (CollectivesException error)
        {
            throw new UserErrorException(error.Message, error);
        }
        if (worldSize == 1)
            return new SingleProcess();
        throw new UserErrorException(
            $"WORLD_SIZE={worldSize} is for GPUs. On CPUs several processes work together by MPI: "
                + $"start them with `mpirun -np {worldSize} tools/train CONFIG`, "
                + "or with srun. mpirun comes with Open MPI (Debian and Ubuntu: openmpi-bin; Fedora: openmpi)."
        );
    }

    private static NcclGroup AtAddress(Device device, int worldSize, Func<string, string?> read)
    {
        var rank = Number("RANK", read("RANK"), 0, worldSize - 1);
        var port = Number("MASTER_PORT", read("MASTER_PORT"), 1, 65534);
        var address = read("MASTER_ADDR") is { Length: > 0 } given
            ? given
            : throw new UserErrorException("WORLD_SIZE is set, so MASTER_ADDR must name the machine of rank 0.");
        if (read("TORCHELASTIC_USE_AGENT_STORE") == "True")
            port++; // torchrun itself listens at MASTER_PORT
        return NcclGroup.Join(address, port, rank, worldSize, device, s_meetingLimit);
    }

    private static int Number(string name, string? text, int low, int high) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= low && value <= high
            ? value
            : throw new UserErrorException(
                $"The environment variable {name} must be a number from {low} to {high} where WORLD_SIZE is set; "
                    + $"it is {(text is null ? "not set" : $"\"{text}\"")}."
            );
}
