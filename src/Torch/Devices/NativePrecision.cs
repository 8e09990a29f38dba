using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Which number types a device multiplies natively.</summary>
public static class NativePrecision
{
    /// <summary>Whether matrix products in this type run natively on the device, not emulated.</summary>
    /// <remarks>CUDA devices multiply bf16 natively from compute capability 8.0 on, fp16 from 7.0 on.</remarks>
    public static bool Has(ScalarType type, DeviceType device) =>
        (type, device) switch
        {
            (ScalarType.Float32, _) => true,
            (ScalarType.BFloat16, DeviceType.CPU) => Processor.HasBfloat16,
            (ScalarType.BFloat16, DeviceType.CUDA) => CudaDevices.Capability >= 8.0,
            (ScalarType.Float16, DeviceType.CUDA) => CudaDevices.Capability >= 7.0,
            _ => false,
        };
}
