namespace TorchSharp;

public enum DeviceType
{
    CPU = 0, CUDA = 1, MKLDNN = 2, OPENGL = 3, OPENCL = 4, IDEEP = 5, HIP = 6, FPGA = 7, MSNPU = 8, XLA = 9, MPS = 13, META = 14,
}

public static partial class torch
{
    public static readonly Device CPU = new(DeviceType.CPU);
    public static Device CUDA { get; } = new(DeviceType.CUDA);
    public static readonly Device META = new(DeviceType.META);
    public static Device MPS { get; } = new(DeviceType.MPS);

    public static Device device(string description) => new(description);
    public static Device device(string deviceType, int index = -1) => new(deviceType, index);
    public static Device device(DeviceType deviceType, int index = -1) => new(deviceType, index);
    public static Device device(int index) => new(index);

    /// <summary>Where a tensor lives: a kind of device and, for CUDA, which one.</summary>
    public class Device
    {
        public Device(string description)
        {
            var parts = description.Split(':');
            type = Parse(parts[0], description);
            if (parts.Length > 2 || (parts.Length == 2 && !int.TryParse(parts[1], out _)))
                throw new ArgumentException($"\"{description}\" is no device; expected cpu, cuda or cuda:0 and so on", nameof(description));
            index = parts.Length == 2 ? int.Parse(parts[1]) : type == DeviceType.CUDA ? 0 : -1;
        }

        public Device(string deviceType, int index = -1)
        {
            type = Parse(deviceType, deviceType);
            this.index = index;
        }

        public Device(DeviceType deviceType, int index = -1)
        {
            type = deviceType;
            this.index = index;
        }

        public Device(int index)
        {
            type = DeviceType.CUDA;
            this.index = index;
        }

        public DeviceType type { get; }
        public int index { get; } = -1;

        private static DeviceType Parse(string name, string description) =>
            Enum.TryParse<DeviceType>(name, ignoreCase: true, out var type) ? type
                : throw new ArgumentException($"\"{description}\" is no device; expected cpu, cuda or cuda:0 and so on", nameof(name));

        public override string ToString() => type.ToString().ToLowerInvariant() + (index == -1 ? "" : $":{index}");

        public static implicit operator Device(string description) => new(description);
    }
}
