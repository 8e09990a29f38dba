using Tessera.Framework.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Processes;

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

    /// <exception cref="UserErrorException">libtorch or the device can't do what is asked.</exception>
    public static PrecisionChoice Resolve(Precision asked, DeviceType device) =>
        Resolve(asked, device, Autocast.IsAvailable, NativePrecision.Has(ScalarType.BFloat16, device));

    /// <param name="autocast">Whether libtorch's autocast can be reached.</param>
    /// <param name="bfloat16">Whether the device multiplies bf16 natively.</param>
    internal static PrecisionChoice Resolve(Precision asked, DeviceType device, bool autocast, bool bfloat16)
    {
        var where = device == DeviceType.CPU ? Processor.Name : device.ToString();
        switch (asked)
        {
            case Precision.Fp32:
                return new(ScalarType.Float32, "fp32");
            case Precision.Auto when !autocast:
                return new(ScalarType.Float32, "fp32, since this libtorch does not export its autocast functions");
            case Precision.Auto when bfloat16:
                return new(ScalarType.BFloat16, $"bf16, which {where} has natively");
            case Precision.Auto:
                return new(ScalarType.Float32, $"fp32, since {where} has no native bf16");
        }
        var name = asked == Precision.Bf16 ? "bf16" : "fp16";
        if (!autocast)
            throw new UserErrorException(
                $"precision: \"{name}\" needs autocast, whose functions this libtorch does not export. Use \"fp32\" or \"auto\", or "
                    + $"libtorch {Tessera.Torch.Loading.LibTorch.ExpectedVersion}."
            );
        if (asked == Precision.Fp16 && device != DeviceType.CUDA)
            throw new UserErrorException(
                $"precision: \"fp16\" needs a CUDA device; this run is on {device.ToString().ToLowerInvariant()}. Use \"bf16\", "
                    + $"\"fp32\" or \"auto\"."
            );
        return asked == Precision.Fp16
            ? new(ScalarType.Float16, "fp16 with loss scaling")
            : new(ScalarType.BFloat16, bfloat16 ? "bf16" : $"bf16, though {where} only emulates it");
    }

    /// <summary>Computes in this precision until disposed.</summary>
    public IDisposable Enter(DeviceType device) => IsMixed ? Autocast.Enter(device, Type) : Autocast.Unchanged;
}
