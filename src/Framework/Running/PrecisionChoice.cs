using Tessera.Framework.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>The type that a run computes in.</summary>
/// <param name="Type">Float32, BFloat16 or Float16.</param>
/// <param name="Reason">For the log.</param>
public sealed record PrecisionChoice(ScalarType Type, string Reason)
{
    /// <summary>fp32.</summary>
    public static readonly PrecisionChoice Full = new(ScalarType.Float32, "fp32");

    public bool IsMixed => Type != ScalarType.Float32;

    /// <summary>Whether losses must be scaled, lest small gradients vanish.</summary>
    public bool NeedsScaling => Type == ScalarType.Float16;

    /// <exception cref="UserErrorException">The provider or the device can't do what is asked.</exception>
    public static PrecisionChoice Resolve(Precision asked, DeviceType device, ITorchRuntime runtime)
    {
        var where = device == DeviceType.CPU ? Processor.Name : device.ToString();
        switch (asked)
        {
            case Precision.Fp32:
                return new(ScalarType.Float32, "fp32, as the config says");
            case Precision.Auto when !runtime.CanAutocast:
                return new(ScalarType.Float32, $"fp32, since the {runtime.Provider} provider has no autocast");
            case Precision.Auto when runtime.SupportsNatively(ScalarType.BFloat16, device):
                return new(ScalarType.BFloat16, $"bf16, which {where} has natively");
            case Precision.Auto:
                return new(ScalarType.Float32, $"fp32, since {where} has no native bf16");
        }
        var name = asked == Precision.Bf16 ? "bf16" : "fp16";
        if (!runtime.CanAutocast)
            throw new UserErrorException($"precision: \"{name}\" needs autocast, which the {runtime.Provider} provider doesn't have. Use \"fp32\" or \"auto\", or the libtorch provider (tools/setup --provider libtorch).");
        if (asked == Precision.Fp16 && device != DeviceType.CUDA)
            throw new UserErrorException($"precision: \"fp16\" needs a CUDA device; this run is on {device.ToString().ToLowerInvariant()}. Use \"bf16\", \"fp32\" or \"auto\".");
        return asked == Precision.Fp16
            ? new(ScalarType.Float16, "fp16 with loss scaling, as the config says")
            : new(ScalarType.BFloat16, runtime.SupportsNatively(ScalarType.BFloat16, device) ? "bf16, as the config says" : $"bf16, as the config says, though {where} only emulates it");
    }

    /// <summary>Computes in this precision until disposed.</summary>
    public IDisposable Enter(ITorchRuntime runtime, DeviceType device) => IsMixed ? runtime.Autocast(device, Type) : Nothing.Instance;

    private sealed class Nothing : IDisposable
    {
        public static readonly Nothing Instance = new();

        public void Dispose()
        {
        }
    }
}
