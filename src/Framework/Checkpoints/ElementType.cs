using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Types of numbers that a file of weights can hold; more than the tensor provider knows.</summary>
public enum ElementType
{
    Bool,
    UInt8,
    Int8,
    UInt16,
    Int16,
    UInt32,
    Int32,
    UInt64,
    Int64,
    Float8E4M3,
    Float8E5M2,
    Float8E8M0,
    Float16,
    BFloat16,
    Float32,
    Float64,
    Complex64,
    Complex128,
}

internal static class ElementTypes
{
    // Safetensors' names; Complex128 has none there.
    private static readonly Dictionary<string, ElementType> ByName = new(StringComparer.Ordinal)
    {
        ["BOOL"] = ElementType.Bool,
        ["U8"] = ElementType.UInt8,
        ["I8"] = ElementType.Int8,
        ["U16"] = ElementType.UInt16,
        ["I16"] = ElementType.Int16,
        ["U32"] = ElementType.UInt32,
        ["I32"] = ElementType.Int32,
        ["U64"] = ElementType.UInt64,
        ["I64"] = ElementType.Int64,
        ["F8_E4M3"] = ElementType.Float8E4M3,
        ["F8_E5M2"] = ElementType.Float8E5M2,
        ["F8_E8M0"] = ElementType.Float8E8M0,
        ["F16"] = ElementType.Float16,
        ["BF16"] = ElementType.BFloat16,
        ["F32"] = ElementType.Float32,
        ["F64"] = ElementType.Float64,
        ["C64"] = ElementType.Complex64,
    };

    private static readonly Dictionary<ElementType, string> Names = ByName.ToDictionary(pair => pair.Value, pair => pair.Key);

    /// <summary>Bytes of one element.</summary>
    public static int Size(this ElementType type) =>
        type switch
        {
            ElementType.Bool
            or ElementType.UInt8
            or ElementType.Int8
            or ElementType.Float8E4M3
            or ElementType.Float8E5M2
            or ElementType.Float8E8M0 => 1,
            ElementType.UInt16 or ElementType.Int16 or ElementType.Float16 or ElementType.BFloat16 => 2,
            ElementType.UInt32 or ElementType.Int32 or ElementType.Float32 => 4,
            ElementType.UInt64 or ElementType.Int64 or ElementType.Float64 or ElementType.Complex64 => 8,
            _ => 16,
        };

    /// <summary>The name in safetensors files; null where the format has none.</summary>
    public static string? SafetensorsName(this ElementType type) => Names.GetValueOrDefault(type);

    public static ElementType? FromSafetensorsName(string name) => ByName.TryGetValue(name, out var type) ? type : null;

    public static IEnumerable<string> SafetensorsNames => ByName.Keys;

    /// <summary>The provider's type; null where it has none.</summary>
    public static ScalarType? ToScalarType(this ElementType type) =>
        type switch
        {
            ElementType.Bool => ScalarType.Bool,
            ElementType.UInt8 => ScalarType.Byte,
            ElementType.Int8 => ScalarType.Int8,
            ElementType.Int16 => ScalarType.Int16,
            ElementType.Int32 => ScalarType.Int32,
            ElementType.Int64 => ScalarType.Int64,
            ElementType.Float16 => ScalarType.Float16,
            ElementType.BFloat16 => ScalarType.BFloat16,
            ElementType.Float32 => ScalarType.Float32,
            ElementType.Float64 => ScalarType.Float64,
            ElementType.Complex64 => ScalarType.ComplexFloat32,
            ElementType.Complex128 => ScalarType.ComplexFloat64,
            _ => null,
        };

    public static ElementType FromScalarType(ScalarType type) =>
        type switch
        {
            ScalarType.Bool => ElementType.Bool,
            ScalarType.Byte => ElementType.UInt8,
            ScalarType.Int8 => ElementType.Int8,
            ScalarType.Int16 => ElementType.Int16,
            ScalarType.Int32 => ElementType.Int32,
            ScalarType.Int64 => ElementType.Int64,
            ScalarType.Float16 => ElementType.Float16,
            ScalarType.BFloat16 => ElementType.BFloat16,
            ScalarType.Float32 => ElementType.Float32,
            ScalarType.Float64 => ElementType.Float64,
            ScalarType.ComplexFloat32 => ElementType.Complex64,
            ScalarType.ComplexFloat64 => ElementType.Complex128,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "No file format holds this type."),
        };
}
