using System.Numerics;
using Tensor = TorchSharp.torch.Tensor;
using ScalarType = TorchSharp.torch.ScalarType;

namespace TorchSharp;

public static class TensorExtensionMethods
{
    public static int ElementSize(this ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 => 4,
        ScalarType.Int64 or ScalarType.Float64 or ScalarType.ComplexFloat32 => 8,
        ScalarType.ComplexFloat64 => 16,
        _ => throw new NotSupportedException($"Elements of type {type}"),
    };

    public static string metastr(this Tensor tensor) => TensorPrinting.Metadata(tensor);

    public static long TotalSize(this IEnumerable<long> shape)
    {
        long product = 1;
        foreach (var size in shape) product *= size;
        return product;
    }

    public static ReadOnlySpan<int> IntShape(this Tensor tensor) => Array.ConvertAll(tensor.shape, s => (int)s);

    public static Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        var flat = torch.from_array(rawArray, null, null, false);
        return torch.WithGrad(flat.reshape(dimensions), requires_grad);
    }

    public static Tensor ToTensor<T>(this T scalar, torch.Device? device = null, bool requires_grad = false) where T : struct =>
        torch.WithGrad(torch.from_array(new[] { scalar }, null, device, false).reshape(), requires_grad);

    private static Scalar Only(Tensor tensor)
    {
        if (tensor.numel() != 1) throw new ArgumentException($"Only a tensor with one element is a number; this one has {tensor.numel()}.");
        return tensor.ToScalar();
    }

    public static (float Real, float Imaginary) ToComplexFloat32(this Tensor value) => Only(value).ToComplexFloat32();
    public static Complex ToComplexFloat64(this Tensor value) => Only(value).ToComplexFloat64();
    public static (float Real, float Imaginary) ToComplex32(this Tensor value) => Only(value).ToComplexFloat32();
    public static Complex ToComplex64(this Tensor value) => Only(value).ToComplexFloat64();
    public static Half ToHalf(this Tensor value) => Only(value).ToHalf();
    public static float ToSingle(this Tensor value) => Only(value).ToSingle();
    public static double ToDouble(this Tensor value) => Only(value).ToDouble();
    public static sbyte ToSByte(this Tensor value) => Only(value).ToSByte();
    public static byte ToByte(this Tensor value) => Only(value).ToByte();
    public static short ToInt16(this Tensor value) => Only(value).ToInt16();
    public static int ToInt32(this Tensor value) => Only(value).ToInt32();
    public static long ToInt64(this Tensor value) => Only(value).ToInt64();
    public static bool ToBoolean(this Tensor value) => Only(value).ToBoolean();
}
