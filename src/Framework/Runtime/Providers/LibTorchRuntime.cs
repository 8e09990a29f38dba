#if TORCH_LIBTORCH
using System.Globalization;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Runtime.Providers;

/// <summary>Over the libtorch provider, src/Torch.</summary>
internal sealed class LibTorchRuntime : ITorchRuntime
{
    public LibTorchRuntime()
    {
        if (!Native.IsLoaded) Native.Startup(new StartupOptions());
    }

    public string Provider => "libtorch";

    public bool CanAutocast => true;

    public int Threads
    {
        get => Native.Threads;
        set => Native.Threads = value;
    }

    public long? LiveTensors => Native.LiveTensors;

    public IReadOnlyDictionary<string, string> Describe()
    {
        var lines = new Dictionary<string, string>
        {
            ["libtorch"] = Native.Version,
            ["BLAS"] = Native.Blas,
            ["oneDNN"] = Native.HasMkldnn ? "yes" : "no",
            ["threads"] = Native.Threads.ToString(CultureInfo.InvariantCulture),
            ["OMP_WAIT_POLICY"] = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") ?? "passive",
            ["CPU"] = $"{Processor.Name}, {Native.CpuCapability}{(Native.SupportsBfloat16 ? ", native bf16" : "")}",
        };
        var devices = cuda.is_available() ? cuda.device_count() : 0;
        lines["CUDA devices"] = devices == 0 ? "none" : string.Join(", ", CudaDevices.Query("name") is { Count: > 0 } names ? names : [$"{devices}"]);
        return lines;
    }

    /// <remarks>CUDA devices multiply bf16 natively from compute capability 8.0 on, fp16 from 7.0 on.</remarks>
    public bool SupportsNatively(ScalarType type, DeviceType device) => (type, device) switch
    {
        (ScalarType.Float32, _) => true,
        (ScalarType.BFloat16, DeviceType.CPU) => Native.SupportsBfloat16,
        (ScalarType.BFloat16, DeviceType.CUDA) => CudaDevices.Capability >= 8.0,
        (ScalarType.Float16, DeviceType.CUDA) => CudaDevices.Capability >= 7.0,
        _ => false,
    };

    public IDisposable Autocast(DeviceType device, ScalarType type) => Tessera.Torch.Autocast.Enter(device, type);

    public IDisposable FullPrecision(DeviceType device) =>
        Tessera.Torch.Autocast.IsEnabled(device) ? Tessera.Torch.Autocast.Enter(device, ScalarType.BFloat16, enabled: false) : Unchanged.Instance;

    public void GiveBackMemory() => Native.GiveBackMemory();

    public Tensor ToChannelsLast(Tensor tensor) => Native.ToChannelsLast(tensor);

    public byte[] GetRandomState(Device device) => Native.GetRandomState(device);

    public void SetRandomState(Device device, byte[] state) => Native.SetRandomState(device, state);

    public (long Now, long Peak)? DeviceMemory(Device device) =>
        device.type == DeviceType.CUDA && CudaMemory.Of(Math.Max(device.index, 0)) is { Allocated: { } now, Peak: { } peak } ? (now, peak) : null;

    public IOperationCounter CountOperations() => new Counter();

    public IProcessGroup JoinProcessGroup(int rank, int worldSize, string masterAddress, int masterPort, DeviceType device)
    {
        var backend = device == DeviceType.CUDA ? "nccl" : "gloo";
        if (!ProcessGroup.Has(backend))
            throw new UserErrorException($"This libtorch was built without {backend}, so it can't train on several {(device == DeviceType.CUDA ? "GPUs" : "processes")}. Unset WORLD_SIZE, or name another libtorch by LIBTORCH and run tools/setup.");
        try
        {
            return new Group(new ProcessGroup(backend, masterAddress, masterPort, rank, worldSize), device);
        }
        catch (Exception e) when (e is not UserErrorException)
        {
            throw new UserErrorException($"Rank {rank} of {worldSize} could not join the others at {masterAddress}:{masterPort}: {e.Message.Split('\n')[0]}", e);
        }
    }

    private sealed class Counter : IOperationCounter
    {
        private readonly OperationCount _count = new();

        public OperationCounts Counts => _count.Read() is var (products, values, bytes) ? new(products, values, bytes) : default;

        public void Dispose() => _count.Dispose();
    }

    /// <summary>Bytes travel as tensors of the device that the backend serves.</summary>
    private sealed class Group(ProcessGroup group, DeviceType device) : IProcessGroup
    {
        public int Rank => group.Rank;

        public int WorldSize => group.WorldSize;

        public void AllReduceSum(Tensor tensor) => group.AllReduce(tensor);

        public Tensor Sum(Tensor tensor) => group.Sum(tensor);

        public void Broadcast(Tensor tensor) => group.Broadcast(tensor);

        public IReadOnlyList<byte[]> AllGather(byte[] bytes)
        {
            using var scope = NewDisposeScope();
            var on = new Device(device);
            var lengths = group.AllGather(torch.tensor(new long[] { bytes.Length }).to(on)).Select(length => length.cpu().item<long>()).ToArray();
            var padded = new byte[Math.Max(lengths.Max(), 1)];
            bytes.CopyTo(padded, 0);
            var parts = group.AllGather(torch.tensor(padded).to(on));
            return [.. parts.Select((part, rank) => part.cpu().bytes[..(int)lengths[rank]].ToArray())];
        }

        public void Barrier() => group.Barrier();

        public void Dispose() => group.Dispose();
    }
}
#endif
