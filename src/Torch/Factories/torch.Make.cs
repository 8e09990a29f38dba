using System.Runtime.InteropServices;
using Tessera.Torch.Interop;

namespace TorchSharp;

public static unsafe partial class torch
{
    private static Tensor Make(Operator op, long[] size, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
    {
        RejectNames(names);
        return WithGrad(op.Call(size, dtype, Argument.None, device), requires_grad);
    }

    private static Tensor MakeRandom(Operator op, long[] size, Generator? generator, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
    {
        RejectNames(names);
        return WithGrad(op.Call(size, generator, dtype, Argument.None, device), requires_grad);
    }

    private static Tensor MakeRandint(long low, long high, long[] size, Generator? generator, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
    {
        RejectNames(names);
        return WithGrad(Op.randint_low_generator.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Argument.None, device), requires_grad);
    }

    private static Tensor MakeFull(long[] size, Scalar value, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
    {
        RejectNames(names);
        return WithGrad(Op.full.Call(size, value, dtype, Argument.None, device), requires_grad);
    }

    internal static Tensor WithGrad(Tensor tensor, bool requires_grad)
    {
        if (requires_grad) tensor.requires_grad = true;
        return tensor;
    }

    internal static void RejectNames(string[]? names)
    {
        if (names is { Length: > 0 }) throw new NotSupportedException("Named dimensions are not offered by the libtorch provider.");
    }

    private static Tensor NoNames(Tensor tensor, string[]? names)
    {
        RejectNames(names);
        return tensor;
    }

    private static Tensor FromScalar<T>(T value, ScalarType? dtype, Device? device, bool requires_grad) where T : unmanaged =>
        FromSpan<T>(new ReadOnlySpan<T>(in value), [], dtype, device, requires_grad, null);

    private static Tensor FromArray(Array values, ScalarType? dtype, Device? device, bool requires_grad, string[]? names)
    {
        RejectNames(names);
        var dimensions = new long[values.Rank];
        for (var i = 0; i < dimensions.Length; i++) dimensions[i] = values.GetLongLength(i);
        var type = ElementType(values.GetType().GetElementType()!);
        fixed (byte* data = &MemoryMarshal.GetArrayDataReference(values))
            return FromMemory(data, values.LongLength * type.ElementSize(), dimensions, type, dtype, device, requires_grad);
    }

    private static Tensor FromSpan<T>(ReadOnlySpan<T> values, ReadOnlySpan<long> dimensions, ScalarType? dtype, Device? device, bool requires_grad, string[]? names) where T : unmanaged
    {
        RejectNames(names);
        fixed (T* data = values)
            return FromMemory(data, (long)values.Length * sizeof(T), dimensions, ElementType(typeof(T)), dtype, device, requires_grad);
    }

    private static Tensor FromMemory(void* data, long bytes, ReadOnlySpan<long> dimensions, ScalarType type, ScalarType? dtype, Device? device, bool requires_grad)
    {
        fixed (long* sizes = dimensions)
            return new Tensor(Check.Result(NativeMethods.tessera_from_copy(data, bytes, sizes, dimensions.Length, (int)type, (int)(dtype ?? type),
                (int)(device?.type ?? DeviceType.CPU), device?.index ?? -1, requires_grad ? 1 : 0)));
    }

    private static ReadOnlySpan<T> Span<T>(IList<T> values) => values switch
    {
        T[] array => array,
        List<T> list => CollectionsMarshal.AsSpan(list),
        _ => values.ToArray(),
    };

    internal static ScalarType ElementType(Type type) =>
        type == typeof(float) ? ScalarType.Float32 : type == typeof(double) ? ScalarType.Float64
        : type == typeof(long) ? ScalarType.Int64 : type == typeof(int) ? ScalarType.Int32 : type == typeof(short) ? ScalarType.Int16
        : type == typeof(byte) ? ScalarType.Byte : type == typeof(sbyte) ? ScalarType.Int8 : type == typeof(bool) ? ScalarType.Bool
        : type == typeof(Half) ? ScalarType.Float16 : type == typeof(System.Numerics.Complex) ? ScalarType.ComplexFloat64
        : type == typeof((float, float)) ? ScalarType.ComplexFloat32
        : throw new NotSupportedException($"There are no tensors of {type}.");

    public static Tensor tensor(System.Numerics.Complex scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromScalar(scalar, dtype, device, requires_grad);

    public static Tensor tensor((float Real, float Imaginary) scalar, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        FromScalar((scalar.Real, scalar.Imaginary), dtype, device, requires_grad);

    public static Tensor from_array(Array rawArray, Device? device = null) => FromArray(rawArray, null, device, false, null);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null) =>
        FromArray(rawArray, dtype, device, requires_grad, names);

    /// <summary>A tensor over the array's own memory, which stays pinned as long as the tensor lives.</summary>
    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        var elementSize = ElementType(rawArray.GetType().GetElementType()!).ElementSize();
        if (elementSize != dtype.ElementSize()) throw new ArgumentException($"An array of {rawArray.GetType().GetElementType()} can't be read as {dtype}", nameof(dtype));
        if (count < 0) count = rawArray.LongLength - offset;
        if (offset < 0 || offset + count > rawArray.LongLength)
            throw new ArgumentOutOfRangeException(nameof(count), $"{count} elements from {offset} exceed the array's {rawArray.LongLength}");
        var pin = GCHandle.Alloc(rawArray, GCHandleType.Pinned);
        var data = (byte*)pin.AddrOfPinnedObject() + offset * elementSize;
        var impl = NativeMethods.tessera_from_blob(data, &FreePin, (void*)GCHandle.ToIntPtr(pin), &count, 1, (int)dtype, (int)DeviceType.CPU, -1);
        return WithGrad(new Tensor(Check.Result(impl)), requires_grad);
    }

    [UnmanagedCallersOnly]
    private static void FreePin(void* handle) => GCHandle.FromIntPtr((IntPtr)handle).Free();

    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        WithGrad(Op.arange_start_step.Call(start, stop, step, dtype, Argument.None, device), requires_grad);

    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(start, stop, 1, dtype, device, requires_grad);

    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        arange(0, stop, 1, dtype, device, requires_grad);

    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        WithGrad(Op.linspace.Call(start, end, steps, dtype, Argument.None, device), requires_grad);

    public static Tensor logspace(double start, double end, long steps, double @base = 10.0, ScalarType? dtype = null, Device? device = null, bool requires_grad = false) =>
        WithGrad(Op.logspace.Call(start, end, steps, @base, dtype, Argument.None, device), requires_grad);

    public static Tensor randperm(long n, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, Generator? generator = null) =>
        WithGrad(Op.randperm_generator.Call(n, generator, dtype ?? ScalarType.Int64, Argument.None, device), requires_grad);

    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        RejectNames(names);
        return WithGrad(Op.eye_m.Call(rows, columns < 0 ? rows : columns, dtype, Argument.None, device), requires_grad);
    }
}
