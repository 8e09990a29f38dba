using TorchSharp;

namespace Tessera.Onnx.Format;

/// <summary>Element types, by their numbers in the format.</summary>
internal enum OnnxType
{
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    BFloat16 = 16,
}

internal static class OnnxTypes
{
    /// <summary>null: the format has no such type.</summary>
    public static OnnxType? Of(torch.ScalarType? type) =>
        type switch
        {
            torch.ScalarType.Float32 => OnnxType.Float,
            torch.ScalarType.Float64 => OnnxType.Double,
            torch.ScalarType.Float16 => OnnxType.Float16,
            torch.ScalarType.BFloat16 => OnnxType.BFloat16,
            torch.ScalarType.Int64 => OnnxType.Int64,
            torch.ScalarType.Int32 => OnnxType.Int32,
            torch.ScalarType.Int16 => OnnxType.Int16,
            torch.ScalarType.Int8 => OnnxType.Int8,
            torch.ScalarType.Byte => OnnxType.UInt8,
            torch.ScalarType.Bool => OnnxType.Bool,
            _ => null,
        };

    public static bool IsFloating(this OnnxType type) => type is OnnxType.Float or OnnxType.Double or OnnxType.Float16 or OnnxType.BFloat16;

    /// <summary>In libtorch's order of promotion: bool, integers by size, floating-point numbers.</summary>
    public static int Rank(this OnnxType type) =>
        type switch
        {
            OnnxType.Bool => 0,
            OnnxType.UInt8 => 1,
            OnnxType.Int8 => 2,
            OnnxType.Int16 => 3,
            OnnxType.Int32 => 4,
            OnnxType.Int64 => 5,
            OnnxType.Float16 => 6,
            OnnxType.BFloat16 => 7,
            OnnxType.Float => 8,
            _ => 9,
        };
}
