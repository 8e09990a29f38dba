using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static bool cuda_is_available() => cuda.is_available();
    public static bool mps_is_available() => false;
    public static int get_num_threads() => NativeMethods.tessera_threads();
    public static void set_num_threads(int num) => Check.Result(NativeMethods.tessera_set_threads(num));
    public static int get_num_interop_threads() => NativeMethods.tessera_interop_threads();
    public static void set_num_interop_threads(int num) => Check.Result(NativeMethods.tessera_set_interop_threads(num));

    public static unsafe string __version__ => System.Runtime.InteropServices.Marshal.PtrToStringUTF8((IntPtr)NativeMethods.tessera_version())!;

    public static void InitializeDeviceType(DeviceType deviceType)
    {
        if (!TryInitializeDeviceType(deviceType)) throw new InvalidOperationException($"Device {deviceType} is not available in this libtorch or on this machine.");
    }

    public static bool TryInitializeDeviceType(DeviceType deviceType) => deviceType switch
    {
        DeviceType.CPU or DeviceType.META => true,
        DeviceType.CUDA => cuda.is_available(),
        _ => false,
    };

    public static Device InitializeDevice(Device? device)
    {
        InitializeDeviceType(device?.type ?? DeviceType.CPU);
        return device ?? CPU;
    }

    public static class cuda
    {
        public static bool is_available() => device_count() > 0;
        public static bool is_cudnn_available() => is_available() && NativeMethods.tessera_cudnn_available() != 0;
        public static int device_count() => NativeMethods.tessera_cuda_device_count();
        public static void manual_seed(long seed) => Seed(0, seed);

        public static void manual_seed_all(long seed)
        {
            for (var i = 0; i < device_count(); i++) Seed(i, seed);
        }

        private static void Seed(int index, long seed)
        {
            if (!is_available()) return;
            using var generator = Generator.DefaultOf(DeviceType.CUDA, index);
            generator.manual_seed(seed);
        }

        public static void synchronize(Device? device = null)
        {
            InitializeDeviceType(DeviceType.CUDA);
            Check.Result(NativeMethods.tessera_cuda_synchronize(Math.Max(device?.index ?? 0, 0)));
        }
    }

    public static class backends
    {
        public static class cuda
        {
            public static class matmul
            {
                public static bool allow_tf32
                {
                    get => NativeMethods.tessera_flag(0, -1) != 0;
                    set => Check.Result(NativeMethods.tessera_flag(0, value ? 1 : 0));
                }
            }
        }

        public static class cudnn
        {
            public static bool allow_tf32
            {
                get => NativeMethods.tessera_flag(1, -1) != 0;
                set => Check.Result(NativeMethods.tessera_flag(1, value ? 1 : 0));
            }
        }
    }
}
