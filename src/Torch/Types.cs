using Tessera.Torch.Interop;

namespace TorchSharp;

public enum Reduce { prod, mean, amax, amin }
public enum indexing { xy, ij }
public enum PaddingModes { Zeros = 0, Reflect = 1, Replicate = 2, Circular = 3, Constant = 4 }
public enum Padding { Valid = 0, Same = 1 }
public enum compute_mode { use_mm_for_euclid_dist_if_necessary = 0, use_mm_for_euclid_dist = 1, donot_use_mm_for_euclid_dist = 2 }

public static partial class torch
{
    public enum ScalarType : sbyte
    {
        Byte = 0, Int8 = 1, Int16 = 2, Int32 = 3, Int64 = 4, Float16 = 5, Float32 = 6, Float64 = 7,
        ComplexFloat32 = 9, ComplexFloat64 = 10, Bool = 11, BFloat16 = 15,
    }

    public enum RoundingMode { None, trunc, floor }
    public enum InterpolationMode { Nearest = 0, Linear = 1, Bilinear = 2, Bicubic = 3, Trilinear = 4, Area = 5, NearestExact = 6 }
    public enum UpsampleMode { Nearest = 0, Linear = 1, Bilinear = 2, Bicubic = 3, Trilinear = 4 }
    public enum GridSampleMode { Nearest = 0, Bilinear = 2 }
    public enum GridSamplePaddingMode { Zeros = 0, Reflection = 1, Border = 2 }

    public static readonly ScalarType @bool = ScalarType.Bool;
    public static readonly ScalarType uint8 = ScalarType.Byte;
    public static readonly ScalarType int8 = ScalarType.Int8;
    public static readonly ScalarType int16 = ScalarType.Int16;
    public static readonly ScalarType int32 = ScalarType.Int32;
    public static readonly ScalarType int64 = ScalarType.Int64;
    public static readonly ScalarType bfloat16 = ScalarType.BFloat16;
    public static readonly ScalarType float16 = ScalarType.Float16;
    public static readonly ScalarType float32 = ScalarType.Float32;
    public static readonly ScalarType float64 = ScalarType.Float64;
    public static readonly ScalarType complex64 = ScalarType.ComplexFloat32;
    public static readonly ScalarType complex128 = ScalarType.ComplexFloat64;
    public static readonly ScalarType @short = ScalarType.Int16;
    public static readonly ScalarType @int = ScalarType.Int32;
    public static readonly ScalarType @long = ScalarType.Int64;
    public static readonly ScalarType half = ScalarType.Float16;
    public static readonly ScalarType @float = ScalarType.Float32;
    public static readonly ScalarType @double = ScalarType.Float64;
    public static readonly ScalarType cfloat = ScalarType.ComplexFloat32;
    public static readonly ScalarType cdouble = ScalarType.ComplexFloat64;

    public static bool is_integral(ScalarType type) => type is ScalarType.Byte or ScalarType.Int8 or ScalarType.Int16 or ScalarType.Int32 or ScalarType.Int64 or ScalarType.Bool;
    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;
    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

    public static long max_int_value(ScalarType type) => type switch
    {
        ScalarType.Byte => byte.MaxValue,
        ScalarType.Int8 => sbyte.MaxValue,
        ScalarType.Int16 => short.MaxValue,
        ScalarType.Int32 => int.MaxValue,
        ScalarType.Int64 => long.MaxValue,
        ScalarType.Bool => 1,
        ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 => 1,
        _ => throw new ArgumentException($"{type} has no largest whole number", nameof(type)),
    };

    /// <summary>Properties of a floating point type.</summary>
    public struct FInfo
    {
        public int bits;
        public double eps, max, min, tiny, smallest_normal, resolution;
    }

    public static FInfo finfo() => finfo(get_default_dtype());

    public static FInfo finfo(ScalarType dtype) => dtype switch
    {
        ScalarType.Float32 or ScalarType.ComplexFloat32 => Info(32, Math.ScaleB(1, -23), float.MaxValue, Math.ScaleB(1, -126), 1e-6),
        ScalarType.Float64 or ScalarType.ComplexFloat64 => Info(64, Math.ScaleB(1, -52), double.MaxValue, Math.ScaleB(1, -1022), 1e-15),
        ScalarType.Float16 => Info(16, Math.ScaleB(1, -10), 65504, Math.ScaleB(1, -14), 1e-3),
        ScalarType.BFloat16 => Info(16, Math.ScaleB(1, -7), Math.ScaleB(2 - Math.ScaleB(1, -7), 127), Math.ScaleB(1, -126), 1e-2),
        _ => throw new ArgumentException($"{dtype} is no floating point type", nameof(dtype)),
    };

    private static FInfo Info(int bits, double eps, double max, double tiny, double resolution) =>
        new() { bits = bits, eps = eps, max = max, min = -max, tiny = tiny, smallest_normal = tiny, resolution = resolution };

    public static ScalarType result_type(Tensor tensor1, Tensor tensor2) => (ScalarType)Op.result_type_Tensor.CallLong(tensor1, tensor2);
    public static ScalarType promote_types(ScalarType type1, ScalarType type2) => (ScalarType)Op.promote_types.CallLong(type1, type2);
    public static ScalarType get_default_dtype() => (ScalarType)NativeMethods.tessera_default_dtype();
    public static void set_default_dtype(ScalarType dtype) => Check.Result(NativeMethods.tessera_set_default_dtype((int)dtype));

    internal static string? ModeName(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();

    /// <summary>Puts a result into the tensor that the caller offered for it, if any.</summary>
    internal static Tensor Into(Tensor result, Tensor? target)
    {
        if (target is null) return result;
        if (!target.shape.AsSpan().SequenceEqual(result.shape)) Op.resize_.CallInPlace(target, target, result.shape);
        target.copy_(result);
        result.Dispose();
        return target;
    }
}
