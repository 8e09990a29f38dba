using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Runtime.Providers;

/// <summary>Over the TorchSharp packages. They have no autocast, no collectives and no figures of a device's memory.</summary>
internal sealed class TorchSharpRuntime : ITorchRuntime
{
    public string Provider => "TorchSharp";

    public bool CanAutocast => true;

    public int Threads
    {
        get => get_num_threads();
        set => set_num_threads(value);
    }

    public long? LiveTensors => Tensor.TotalCount;

    public IReadOnlyDictionary<string, string> Describe() => new Dictionary<string, string>
    {
        ["libtorch"] = __version__,
        ["TorchSharp"] = typeof(torch).Assembly.GetName().Version?.ToString() ?? "unknown",
        ["threads"] = Threads.ToString(CultureInfo.InvariantCulture),
        ["CPU"] = $"{Processor.Name}, {Processor.Vectors}",
        ["CUDA devices"] = cuda.is_available() ? cuda.device_count().ToString(CultureInfo.InvariantCulture) : "none",
    };

    public bool SupportsNatively(ScalarType type, DeviceType device) => type == ScalarType.Float32 || (type == ScalarType.BFloat16 && device == DeviceType.CPU && Processor.HasBfloat16);

    public IDisposable Autocast(DeviceType device, ScalarType type) => Tessera.Torch.Autocast.Enter(device, type);

    public IDisposable FullPrecision(DeviceType device) => Tessera.Torch.Autocast.Leave(device);

    public Tensor ToChannelsLast(Tensor tensor) => tensor.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);

    /// <remarks>The generators of CUDA devices can't be read through TorchSharp; their state is empty.</remarks>
    public byte[] GetRandomState(Device device)
    {
        if (device.type != DeviceType.CPU) return [];
        using var state = random.get_rng_state();
        return state.bytes.ToArray();
    }

    public void SetRandomState(Device device, byte[] state)
    {
        if (device.type != DeviceType.CPU || state.Length == 0) return;
        using var tensor = tensor_of(state);
        random.set_rng_state(tensor);

        static Tensor tensor_of(byte[] bytes) => torch.tensor(bytes);
    }

    public (long Now, long Peak)? DeviceMemory(Device device) => null;

    public IProcessGroup JoinProcessGroup(int rank, int worldSize, string masterAddress, int masterPort, DeviceType device) =>
        throw Lacks("training in several processes", "Unset WORLD_SIZE");

    private static UserErrorException Lacks(string what, string remedy) =>
        new($"The TorchSharp provider has no {what}. {remedy}, or build with the libtorch provider: tools/setup --provider libtorch.");
}
