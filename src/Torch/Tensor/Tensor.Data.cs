using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        /// <summary>The tensor's memory: a contiguous CPU tensor's elements, which can be read and written in place.</summary>
        public Span<byte> bytes
        {
            get
            {
                var size = numel() * element_size();
                if (!is_contiguous()) throw new NotImplementedException("Bytes of a tensor that is not contiguous; call contiguous() first.");
                if (device_type != DeviceType.CPU) throw new InvalidOperationException($"Bytes of a tensor on {device}; call cpu() first.");
                if (size > int.MaxValue) throw new InvalidOperationException($"{size} bytes are more than a span holds.");
                return size == 0 ? [] : new Span<byte>((void*)DataPointer(), (int)size);
            }
            set
            {
                var target = bytes;
                if (value.Length != target.Length) throw new ArgumentException($"The tensor has {target.Length} bytes, the data {value.Length}.");
                value.CopyTo(target);
            }
        }

        internal IntPtr DataPointer()
        {
            var pointer = NativeMethods.tessera_tensor_data_ptr(Handle);
            if (pointer == IntPtr.Zero && numel() > 0) Check.Throw();
            GC.KeepAlive(this);
            return pointer;
        }

        /// <summary>Access to the elements of a CPU tensor of element type T.</summary>
        public Utils.TensorAccessor<T> data<T>() where T : unmanaged
        {
            RequireElements<T>();
            if (device_type == DeviceType.CPU) return new Utils.TensorAccessor<T>(this);
            using var copy = cpu();
            return new Utils.TensorAccessor<T>(copy);
        }

        private void RequireElements<T>()
        {
            if (ElementType(typeof(T)) != dtype) throw new ArgumentException($"{typeof(T)} doesn't match the tensor's element type, {dtype}.");
        }

        /// <summary>The one element of a tensor that has one; T must be the tensor's element type.</summary>
        public T item<T>() where T : unmanaged
        {
            if (numel() != 1) throw new ArgumentException($"item() needs a tensor with one element; this one has {numel()}.");
            RequireElements<T>();
            return Read<T>();
        }

        private T Read<T>() where T : unmanaged
        {
            using var copy = device_type == DeviceType.CPU ? null : cpu();
            var value = *(T*)(copy ?? this).DataPointer();
            GC.KeepAlive(this); // or the finalizer might free the memory while it is read
            return value;
        }

        public Scalar ToScalar() => Op._local_scalar_dense.CallScalar(this);

        private T ReadCpu<T>(long i) where T : unmanaged
        {
            RequireElements<T>();
            if (i < 0 || i >= numel()) throw new IndexOutOfRangeException($"Element {i} of a tensor with {numel()}");
            var value = ((T*)DataPointer())[i];
            GC.KeepAlive(this);
            return value;
        }

        public T ReadCpuValue<T>(long i) where T : unmanaged => ReadCpu<T>(i);
        public double ReadCpuDouble(long i) => ReadCpu<double>(i);
        public float ReadCpuSingle(long i) => ReadCpu<float>(i);
        public int ReadCpuInt32(long i) => ReadCpu<int>(i);
        public long ReadCpuInt64(long i) => ReadCpu<long>(i);
        public byte ReadCpuByte(long i) => ReadCpu<byte>(i);
        public sbyte ReadCpuSByte(long i) => ReadCpu<sbyte>(i);
        public short ReadCpuInt16(long i) => ReadCpu<short>(i);
        public bool ReadCpuBool(long i) => ReadCpu<bool>(i);
        public float ReadCpuFloat16(long i) => (float)ReadCpu<Half>(i);

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type != DeviceType.CPU) throw new InvalidOperationException($"Writing the bytes of a tensor on {device}; call cpu() first.");
            using var source = is_contiguous() ? alias() : contiguous();
            var left = source.numel() * source.element_size();
            for (var from = (byte*)source.DataPointer(); left > 0;)
            {
                var part = (int)Math.Min(left, 1 << 24);
                stream.Write(new ReadOnlySpan<byte>(from, part));
                from += part;
                left -= part;
            }
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            if (device_type != DeviceType.CPU) throw new InvalidOperationException($"Reading bytes into a tensor on {device}; read into a CPU tensor and copy.");
            if (!is_contiguous()) throw new NotImplementedException("Reading bytes into a tensor that is not contiguous.");
            var left = numel() * element_size();
            for (var to = (byte*)DataPointer(); left > 0;)
            {
                var part = (int)Math.Min(left, 1 << 24);
                stream.ReadExactly(new Span<byte>(to, part));
                to += part;
                left -= part;
            }
            GC.KeepAlive(this);
        }
    }
}
