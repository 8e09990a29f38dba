using Tessera.Torch;

namespace Tessera.Tests.Torch.Collectives;

public sealed class LaunchTests
{
    [Theory]
    [InlineData("", LaunchKind.Alone, 1, 0, 1)]
    [InlineData("OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_LOCAL_RANK=1 OMPI_COMM_WORLD_LOCAL_SIZE=2", LaunchKind.OpenMpi, 4, 1, 2)]
    [InlineData("OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_LOCAL_RANK=0 OMPI_COMM_WORLD_LOCAL_SIZE=1", LaunchKind.Alone, 1, 0, 1)]
    [InlineData("PMI_SIZE=3 PMI_RANK=2 MPI_LOCALRANKID=2 MPI_LOCALNRANKS=3", LaunchKind.Mpich, 3, 2, 3)]
    [InlineData(
        "SLURM_PROCID=5 SLURM_NTASKS=6 SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=6 SLURM_LOCALID=1 SLURM_NODEID=2 "
            + "SLURM_STEP_TASKS_PER_NODE=2(x3)",
        LaunchKind.Slurm,
        6,
        1,
        2
    )]
    [InlineData(
        "SLURM_PROCID=3 SLURM_NTASKS=4 SLURM_STEP_ID=0 SLURM_LOCALID=0 SLURM_NODEID=1 SLURM_STEP_TASKS_PER_NODE=3,1",
        LaunchKind.Slurm,
        4,
        0,
        1
    )]
    // a batch script, itself one process
    [InlineData("SLURM_PROCID=0 SLURM_NTASKS=4 " + "SLURM_LOCALID=0 " + "SLURM_NTASKS_PER_NODE=4", LaunchKind.Alone, 1, 0, 1)]
    [InlineData(
        "SLURM_PROCID=0 SLURM_NTASKS=4 OMPI_COMM_WORLD_SIZE=8 OMPI_COMM_WORLD_LOCAL_RANK=3 OMPI_COMM_WORLD_LOCAL_SIZE=4 SLURM_LOCALID=0",
        LaunchKind.OpenMpi,
        8,
        3,
        4
    )] // mpirun in it
    // torchrun is no launcher of MPI programs
    [InlineData("RANK=1 WORLD_SIZE=2 LOCAL_RANK=1 " + "LOCAL_WORLD_SIZE=2", LaunchKind.Alone, 1, 1, 2)]
    public void Find_ReadsWhatEachLauncherSets(string variables, LaunchKind kind, int size, int localRank, int localSize)
    {
        var environment = variables
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => pair.Split('='))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(new Launch(kind, size, localRank, localSize), Launch.Find(environment.GetValueOrDefault));
    }

    [Theory]
    [InlineData("2(x3),1", 2, 2)]
    [InlineData("2(x3),1", 3, 1)]
    [InlineData("4", 0, 4)]
    [InlineData("4", 7, 1)]
    [InlineData("many", 0, 1)]
    [InlineData(null, 0, 1)]
    public void OfNode_ReadsSlurmsShortForm(string? list, int node, int tasks) => Assert.Equal(tasks, Launch.OfNode(list, node));

    [Theory]
    [InlineData(16, 16, 2, 8)] // not bound
    [InlineData(8, 16, 2, 8)] // bound to half of the cores each
    [InlineData(1, 16, 2, 1)] // bound to one core each
    [InlineData(8, 16, 4, 4)] // two on each of two sockets
    [InlineData(2, 2, 4, 1)] // more processes than cores
    [InlineData(1, 2, 2, 1)]
    public void Share_IsAProcessesPartOfTheCores(int own, int launchers, int processes, int threads) =>
        Assert.Equal(threads, Threads.Share(own, launchers, processes));

    [Theory]
    [InlineData("0", 1)]
    [InlineData("0-3", 4)]
    [InlineData("0-3,8,10-11", 7)]
    public void CountOf_CountsProcessors(string list, int count) => Assert.Equal(count, Affinity.CountOf(list));

    [Fact]
    public void Join_WithALibraryThatIsMissing_NamesItAndThePackage()
    {
        var error = CollectivesException.NoMpi(new Launch(LaunchKind.OpenMpi, 2, 0, 2), ["libmpi.so.40"], "not found");
        Assert.Equal(
            "mpirun started this process as one of 2, and Open MPI's library can't be loaded (libmpi.so.40: not found). "
                + "Install it on every machine (Debian and Ubuntu: openmpi-bin; Fedora: openmpi), or name its folder in LD_LIBRARY_PATH.",
            error.Message
        );
        Assert.Contains(
            "srun --mpi=pmix",
            CollectivesException.NotTogether(new Launch(LaunchKind.Slurm, 4, 0, 2), 1).Message,
            StringComparison.Ordinal
        );
    }
}
