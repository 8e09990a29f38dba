using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Runtime;

/// <summary>
/// What Tessera needs of libtorch and TorchSharp's public API lacks. One implementation per provider
/// (Runtime/Providers); nothing else may know which provider runs. What a provider can't do, it says clearly.
/// </summary>
public interface ITorchRuntime
{
    /// <summary>"libtorch" or "TorchSharp".</summary>
    string Provider { get; }

    /// <summary>For the log: libtorch's version, BLAS, threads, CPU capability, CUDA devices.</summary>
    IReadOnlyDictionary<string, string> Describe();

    /// <summary>Whether matrix products in this type run natively here, not emulated.</summary>
    bool SupportsNatively(ScalarType type, DeviceType device);

    /// <summary>Whether <see cref="Autocast"/> works.</summary>
    bool CanAutocast { get; }

    /// <summary>Runs eligible operators in a lower precision until disposed, on this thread.</summary>
    /// <exception cref="Errors.UserErrorException">The provider has no autocast.</exception>
    IDisposable Autocast(DeviceType device, ScalarType type);

    /// <summary>Leaves <see cref="Autocast"/> until disposed, for what a lower precision would spoil.</summary>
    IDisposable FullPrecision(DeviceType device) => Unchanged.Instance;

    /// <summary>The tensor laid out channels last (NHWC in memory), its shape unchanged.</summary>
    Tensor ToChannelsLast(Tensor tensor);

    /// <summary>State of the random number generator of a device.</summary>
    byte[] GetRandomState(Device device);

    void SetRandomState(Device device, byte[] state);

    int Threads { get; set; }

    /// <summary>Native tensors alive in the process; null where the provider can't tell.</summary>
    long? LiveTensors { get; }

    /// <summary>Bytes allocated on a CUDA device now and at most; null on a CPU or where the provider can't tell.</summary>
    (long Now, long Peak)? DeviceMemory(Device device);

    /// <summary>Gives memory of freed CPU tensors back to the system, where the provider holds any.</summary>
    void GiveBackMemory() { }

    /// <summary>Counts what this thread's operators compute, until disposed; null where the provider can't.</summary>
    IOperationCounter? CountOperations() => null;

    /// <summary>Joins the group named by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT.</summary>
    /// <exception cref="Errors.UserErrorException">The provider has no collectives.</exception>
    IProcessGroup JoinProcessGroup(int rank, int worldSize, string masterAddress, int masterPort, DeviceType device);
}

/// <summary>A change of precision that is none.</summary>
internal sealed class Unchanged : IDisposable
{
    public static readonly Unchanged Instance = new();

    public void Dispose() { }
}

/// <summary>What operators computed.</summary>
/// <param name="MultiplyAdds">Of matrix products and convolutions, those within attention included.</param>
/// <param name="Activations">Values that these gave.</param>
/// <param name="Bytes">Allocated for the results of all operators.</param>
public readonly record struct OperationCounts(long MultiplyAdds, long Activations, long Bytes)
{
    public static OperationCounts operator -(OperationCounts a, OperationCounts b) => new(a.MultiplyAdds - b.MultiplyAdds, a.Activations - b.Activations, a.Bytes - b.Bytes);

    public static OperationCounts operator +(OperationCounts a, OperationCounts b) => new(a.MultiplyAdds + b.MultiplyAdds, a.Activations + b.Activations, a.Bytes + b.Bytes);
}

/// <summary>Counts operators while it lives; belongs to the thread that made it.</summary>
public interface IOperationCounter : IDisposable
{
    /// <summary>Since the counter was made.</summary>
    OperationCounts Counts { get; }
}

/// <summary>Processes that train together. <see cref="SingleProcess"/> where there is but one.</summary>
public interface IProcessGroup : IDisposable
{
    int Rank { get; }
    int WorldSize { get; }

    /// <summary>Sums the tensor over all processes, in place.</summary>
    void AllReduceSum(Tensor tensor);

    /// <summary>The sum over all processes as a new tensor, through which gradients pass: each process's input gets the sum of all processes' gradients.</summary>
    Tensor Sum(Tensor tensor);

    /// <summary>Copies rank 0's values into the tensor, in place.</summary>
    void Broadcast(Tensor tensor);

    /// <summary>Every process's bytes, by rank.</summary>
    IReadOnlyList<byte[]> AllGather(byte[] bytes);

    void Barrier();
}

/// <summary>A group of one.</summary>
public sealed class SingleProcess : IProcessGroup
{
    public int Rank => 0;
    public int WorldSize => 1;
    public void AllReduceSum(Tensor tensor) { }
    public Tensor Sum(Tensor tensor) => tensor.alias();
    public void Broadcast(Tensor tensor) { }
    public IReadOnlyList<byte[]> AllGather(byte[] bytes) => [bytes];
    public void Barrier() { }
    public void Dispose() { }
}
