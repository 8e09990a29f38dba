using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public unsafe partial class Tensor
    {
        public long dim() => NativeMethods.tessera_tensor_dim(Handle);
        public long Dimensions => dim();
        public long ndim => dim();

        public long numel() => NativeMethods.tessera_tensor_numel(Handle);
        public long NumberOfElements => numel();

        public long element_size() => NativeMethods.tessera_tensor_element_size(Handle);
        public long ElementSize => element_size();

        public long[] shape
        {
            get
            {
                var sizes = new long[dim()];
                fixed (long* pointer = sizes) NativeMethods.tessera_tensor_sizes(handle, pointer);
                return sizes;
            }
        }

        public long[] size() => shape;

        public long size(int dim)
        {
            var dims = (int)this.dim();
            if (dim < -dims || dim >= dims) throw new IndexOutOfRangeException($"A tensor of {dims} dimensions has no dimension {dim}");
            Span<long> sizes = stackalloc long[dims];
            fixed (long* pointer = sizes) NativeMethods.tessera_tensor_sizes(handle, pointer);
            return sizes[dim < 0 ? dim + dims : dim];
        }

        public long[] stride()
        {
            var strides = new long[dim()];
            fixed (long* pointer = strides) Alive(NativeMethods.tessera_tensor_strides(handle, pointer));
            return strides;
        }

        public long stride(int dim) => stride() is var strides && dim < 0 ? strides[dim + strides.Length] : strides[dim];

        public long storage_offset() => NativeMethods.tessera_tensor_storage_offset(Handle);

        public ScalarType dtype => (ScalarType)NativeMethods.tessera_tensor_dtype(Handle);

        public Device device
        {
            get
            {
                int index;
                var type = (DeviceType)NativeMethods.tessera_tensor_device(Handle, &index);
                return type == DeviceType.CPU ? CPU : new Device(type, index);
            }
        }

        public int device_index
        {
            get
            {
                int index;
                _ = NativeMethods.tessera_tensor_device(Handle, &index);
                return index;
            }
        }

        public DeviceType device_type
        {
            get
            {
                int index;
                return (DeviceType)NativeMethods.tessera_tensor_device(Handle, &index);
            }
        }

        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_sparse => NativeMethods.tessera_tensor_layout(Handle) == 1;
        public bool is_contiguous() => Alive(NativeMethods.tessera_tensor_is_contiguous(Handle, 0)) != 0;
        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_leaf => Alive(NativeMethods.tessera_tensor_is_leaf(Handle)) != 0;
        public bool is_nonzero() => Op.is_nonzero.CallBool(this);
        public bool is_pinned() => Op.is_pinned.CallBool(this);
        public bool is_conj() => Op.is_conj.CallBool(this);
        public bool is_neg() => Op.is_neg.CallBool(this);
        public bool has_names() => false; // named dimensions are not offered
    }
}
