using System.Runtime.InteropServices;

namespace Tessera.Torch.Interop;

/// <summary>An argument or result of a boxed operator call, as native/bridge.h lays it out.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal struct NativeValue
{
    [FieldOffset(0)] public ValueTag Tag;
    [FieldOffset(4)] public int Count;
    [FieldOffset(8)] public IntPtr Pointer;
    [FieldOffset(8)] public long Integer;
    [FieldOffset(8)] public double Real;
}

internal enum ValueTag
{
    None, Tensor, Int, Double, Bool, String, IntList, DoubleList, TensorList, OptionalTensorList, BoolList, Device, Generator, Complex
}

/// <summary>The bridge's functions. Those that neither block nor run for long skip the garbage collector's transition.</summary>
internal static unsafe class NativeMethods
{
    internal const string Library = "tessera_torch";

    [DllImport(Library)] internal static extern byte* tessera_last_error();
    [DllImport(Library)] internal static extern void tessera_free(void* pointer);
    [DllImport(Library)] internal static extern IntPtr tessera_operator(byte* name, byte* overload);
    [DllImport(Library)] internal static extern int tessera_has_operator(byte* name, byte* overload);
    [DllImport(Library)] internal static extern int tessera_call(IntPtr op, NativeValue* arguments, int count, NativeValue* results, int capacity);

    [DllImport(Library)] internal static extern IntPtr tessera_call_tensors(IntPtr op, IntPtr a, IntPtr b, int* declined);

    [DllImport(Library)] internal static extern void tessera_tensor_release(IntPtr tensor);
    [DllImport(Library)] internal static extern IntPtr tessera_tensor_alias(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern long tessera_tensor_use_count(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern long tessera_tensor_dim(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern long tessera_tensor_numel(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern void tessera_tensor_sizes(IntPtr tensor, long* sizes);
    [DllImport(Library)] internal static extern int tessera_tensor_strides(IntPtr tensor, long* strides);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_tensor_dtype(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern long tessera_tensor_element_size(IntPtr tensor);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_tensor_device(IntPtr tensor, int* index);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_tensor_layout(IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_tensor_is_contiguous(IntPtr tensor, int memoryFormat);
    [DllImport(Library), SuppressGCTransition] internal static extern long tessera_tensor_storage_offset(IntPtr tensor);
    [DllImport(Library)] internal static extern IntPtr tessera_tensor_data_ptr(IntPtr tensor);
    [DllImport(Library)] internal static extern long tessera_flat_floats(IntPtr* tensors, int count, int unwritten, float** memory);
    [DllImport(Library)] internal static extern int tessera_tensor_shares_storage(IntPtr a, IntPtr b);
    [DllImport(Library)] internal static extern int tessera_tensor_requires_grad(IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_tensor_set_requires_grad(IntPtr tensor, int value);
    [DllImport(Library)] internal static extern int tessera_tensor_is_leaf(IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_tensor_has_grad_fn(IntPtr tensor);
    [DllImport(Library)] internal static extern byte* tessera_tensor_grad_fn_name(IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_tensor_retain_grad(IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_tensor_grad(IntPtr tensor, IntPtr* grad);
    [DllImport(Library)] internal static extern int tessera_tensor_set_grad(IntPtr tensor, IntPtr grad);
    [DllImport(Library)] internal static extern int tessera_tensor_set_data(IntPtr tensor, IntPtr data);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_tensor_is_inference(IntPtr tensor);
    [DllImport(Library)] internal static extern IntPtr tessera_from_blob(void* data, delegate* unmanaged<void*, void> deleter, void* context, long* sizes, int dims, int dtype, int deviceType, int deviceIndex);
    [DllImport(Library)] internal static extern IntPtr tessera_from_copy(void* data, long bytes, long* sizes, int dims, int fromDtype, int dtype, int deviceType, int deviceIndex, int requiresGrad);

    [DllImport(Library)] internal static extern int tessera_backward(IntPtr* tensors, int count, IntPtr* grads, int gradCount, int retainGraph, int createGraph, IntPtr* inputs, int inputCount);
    [DllImport(Library)] internal static extern int tessera_grad(IntPtr* outputs, int count, IntPtr* inputs, int inputCount, IntPtr* grads, int gradCount, int retainGraph, int createGraph, int allowUnused, IntPtr* results);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_grad_mode();
    [DllImport(Library), SuppressGCTransition] internal static extern void tessera_set_grad_mode(int enabled);
    [DllImport(Library), SuppressGCTransition] internal static extern int tessera_inference_mode();
    [DllImport(Library)] internal static extern IntPtr tessera_inference_enter(int enabled);
    [DllImport(Library)] internal static extern void tessera_inference_leave(IntPtr mode);
    [DllImport(Library)] internal static extern int tessera_anomaly_mode(int* checkNan);
    [DllImport(Library)] internal static extern void tessera_set_anomaly_mode(int enabled, int checkNan);

    [DllImport(Library)] internal static extern void tessera_keep_blocks();
    [DllImport(Library)] internal static extern void tessera_give_back();
    [DllImport(Library)] internal static extern int tessera_threads();
    [DllImport(Library)] internal static extern void tessera_on_threads(delegate* unmanaged<void*, void> work, void* context, int threads);
    [DllImport(Library)] internal static extern int tessera_interop_threads();
    [DllImport(Library)] internal static extern int tessera_set_threads(int threads);
    [DllImport(Library)] internal static extern int tessera_set_interop_threads(int threads);
    [DllImport(Library)] internal static extern int tessera_manual_seed(ulong seed);
    [DllImport(Library)] internal static extern IntPtr tessera_default_generator(int deviceType, int deviceIndex);
    [DllImport(Library)] internal static extern IntPtr tessera_new_generator(ulong seed, int deviceType, int deviceIndex);
    [DllImport(Library)] internal static extern void tessera_generator_release(IntPtr generator);
    [DllImport(Library)] internal static extern int tessera_generator_set_seed(IntPtr generator, ulong seed);
    [DllImport(Library)] internal static extern ulong tessera_generator_seed(IntPtr generator);
    [DllImport(Library)] internal static extern ulong tessera_generator_initial_seed(IntPtr generator);
    [DllImport(Library)] internal static extern int tessera_generator_device(IntPtr generator, int* index);
    [DllImport(Library)] internal static extern IntPtr tessera_generator_state(IntPtr generator);
    [DllImport(Library)] internal static extern int tessera_generator_set_state(IntPtr generator, IntPtr state);
    [DllImport(Library)] internal static extern int tessera_autocast_enabled(int deviceType);
    [DllImport(Library)] internal static extern int tessera_autocast_dtype(int deviceType);
    [DllImport(Library)] internal static extern int tessera_set_autocast(int deviceType, int enabled, int dtype);
    [DllImport(Library)] internal static extern void tessera_autocast_clear_cache();
    [DllImport(Library)] internal static extern int tessera_autocast_nest(int step);
    [DllImport(Library)] internal static extern int tessera_default_dtype();
    [DllImport(Library)] internal static extern int tessera_set_default_dtype(int dtype);
    [DllImport(Library)] internal static extern byte* tessera_version();
    [DllImport(Library)] internal static extern byte* tessera_build_info();
    [DllImport(Library)] internal static extern byte* tessera_blas_path();
    [DllImport(Library)] internal static extern int tessera_has_mkldnn();
    [DllImport(Library)] internal static extern int tessera_has_mkl();
    [DllImport(Library)] internal static extern int tessera_cuda_built();
    [DllImport(Library)] internal static extern int tessera_cuda_device_count();
    [DllImport(Library)] internal static extern int tessera_cudnn_available();
    [DllImport(Library)] internal static extern int tessera_cuda_synchronize(int index);
    [DllImport(Library)] internal static extern int tessera_cuda_memory(int index, long* figures);
    [DllImport(Library)] internal static extern int tessera_cuda_empty_cache();
    [DllImport(Library)] internal static extern ulong tessera_count_begin();
    [DllImport(Library)] internal static extern void tessera_counted(long* figures);
    [DllImport(Library)] internal static extern int tessera_count_end(ulong handle);
    [DllImport(Library)] internal static extern int tessera_flag(int which, int value);

    [DllImport(Library)] internal static extern int tessera_distributed_backends();
    [DllImport(Library)] internal static extern IntPtr tessera_group_new(byte* backend, byte* host, int port, int rank, int worldSize, long timeoutMilliseconds);
    [DllImport(Library)] internal static extern void tessera_group_release(IntPtr group);
    [DllImport(Library)] internal static extern IntPtr tessera_group_sum(IntPtr group, IntPtr tensor);
    [DllImport(Library)] internal static extern int tessera_group_allreduce(IntPtr group, IntPtr tensor, int op);
    [DllImport(Library)] internal static extern int tessera_group_broadcast(IntPtr group, IntPtr tensor, int root);
    [DllImport(Library)] internal static extern int tessera_group_allgather(IntPtr group, IntPtr tensor, IntPtr* outputs, int count);
    [DllImport(Library)] internal static extern int tessera_group_barrier(IntPtr group);
}
