using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A source of random numbers on one device.</summary>
    public class Generator : IDisposable
    {
        private IntPtr _handle;

        public Generator(ulong seed = 0, Device? device = null) =>
            _handle = Check.Result(NativeMethods.tessera_new_generator(seed, (int)(device?.type ?? DeviceType.CPU), device?.index ?? -1));

        private Generator(DeviceType type, int index) => _handle = Check.Result(NativeMethods.tessera_default_generator((int)type, index));

        /// <summary>A device's default generator.</summary>
        internal static Generator DefaultOf(DeviceType type, int index) => new(type, index);

        ~Generator() => Dispose(false);

        /// <summary>The CPU's default generator.</summary>
        public static Generator Default => DefaultOf(DeviceType.CPU, -1);

        public IntPtr Handle => _handle != IntPtr.Zero ? _handle : throw new InvalidOperationException("This generator has been disposed.");

        public unsafe Device device
        {
            get
            {
                int index;
                var type = (DeviceType)NativeMethods.tessera_generator_device(Handle, &index);
                return new Device(type, index);
            }
        }

        public Tensor get_state()
        {
            var state = new Tensor(Check.Result(NativeMethods.tessera_generator_state(Handle)));
            GC.KeepAlive(this);
            return state;
        }

        public void set_state(Tensor value)
        {
            Check.Result(NativeMethods.tessera_generator_set_state(Handle, value.Handle));
            GC.KeepAlive(value);
            GC.KeepAlive(this);
        }

        public Generator manual_seed(long seed)
        {
            Check.Result(NativeMethods.tessera_generator_set_seed(Handle, unchecked((ulong)seed)));
            return this;
        }

        /// <summary>Seeds from the system's entropy and returns the seed.</summary>
        public long seed() => unchecked((long)NativeMethods.tessera_generator_seed(Handle));

        public long initial_seed() => unchecked((long)NativeMethods.tessera_generator_initial_seed(Handle));

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (_handle == IntPtr.Zero) return;
            NativeMethods.tessera_generator_release(_handle);
            _handle = IntPtr.Zero;
        }
    }

    public static long seed() => random.seed();
    public static long initial_seed() => random.initial_seed();
    public static Generator manual_seed(long seed) => random.manual_seed(seed);
    public static Tensor get_rng_state() => random.get_rng_state();
    public static void set_rng_state(Tensor new_state) => random.set_rng_state(new_state);

    public static class random
    {
        public static long seed() => Generator.Default.seed();
        public static long initial_seed() => Generator.Default.initial_seed();

        /// <summary>Seeds the default generators of all devices.</summary>
        public static Generator manual_seed(long seed)
        {
            Check.Result(NativeMethods.tessera_manual_seed(unchecked((ulong)seed)));
            return Generator.Default;
        }

        public static Tensor get_rng_state() => Generator.Default.get_state();
        public static void set_rng_state(Tensor new_state) => Generator.Default.set_state(new_state);
    }
}
