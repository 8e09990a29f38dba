using System.Numerics;
using Tessera.Torch.Interop;

namespace TorchSharp;

/// <summary>A number of any of the element types, as operators take it.</summary>
public sealed class Scalar : IDisposable
{
    internal readonly ValueTag Tag;
    internal readonly long Bits;
    private readonly double _imaginary;

    private Scalar(ValueTag tag, long bits, torch.ScalarType type, double imaginary = 0)
    {
        Tag = tag;
        Bits = bits;
        Type = type;
        _imaginary = imaginary;
    }

    internal static Scalar From(ValueTag tag, long bits) => tag switch
    {
        ValueTag.Int => Integer(bits),
        ValueTag.Bool => Boolean(bits != 0),
        _ => Real(BitConverter.Int64BitsToDouble(bits), torch.ScalarType.Float64),
    };

    internal static Scalar Integer(long value) => new(ValueTag.Int, value, torch.ScalarType.Int64);
    internal static Scalar Boolean(bool value) => new(ValueTag.Bool, value ? 1 : 0, torch.ScalarType.Bool);
    internal static Scalar Real(double value, torch.ScalarType type) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value), type);

    /// <summary>The widest type of the number's kind: libtorch's scalars know int, double, bool and complex.</summary>
    public torch.ScalarType Type { get; }

    internal double Magnitude => Tag is ValueTag.Double or ValueTag.Complex ? BitConverter.Int64BitsToDouble(Bits) : Bits;
    internal long Whole => Tag is ValueTag.Double or ValueTag.Complex ? (long)BitConverter.Int64BitsToDouble(Bits) : Bits;
    internal Complex AsComplex => new(Magnitude, _imaginary);

    public static implicit operator Scalar(byte value) => Integer(value);
    public static implicit operator Scalar(sbyte value) => Integer(value);
    public static implicit operator Scalar(short value) => Integer(value);
    public static implicit operator Scalar(int value) => Integer(value);
    public static implicit operator Scalar(long value) => Integer(value);
    public static implicit operator Scalar(Half value) => Real((double)value, torch.ScalarType.Float64);
    public static implicit operator Scalar(float value) => Real(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(double value) => Real(value, torch.ScalarType.Float64);
    public static implicit operator Scalar(bool value) => Boolean(value);
    public static implicit operator Scalar((float, float) value) => new Complex(value.Item1, value.Item2);
    public static implicit operator Scalar(Complex value) =>
        new(ValueTag.Complex, BitConverter.DoubleToInt64Bits(value.Real), torch.ScalarType.ComplexFloat64, value.Imaginary);

    public void Dispose() { } // nothing native stands behind it
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this (float, float) value) => value;
    public static Scalar ToScalar(this Complex value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToBFloat16Scalar(this float value) =>
        BitConverter.Int32BitsToSingle((BitConverter.SingleToInt32Bits(value) + 0x7FFF + ((BitConverter.SingleToInt32Bits(value) >> 16) & 1)) & ~0xFFFF);

    public static Half ToHalf(this Scalar value) => (Half)value.Magnitude;
    public static float ToSingle(this Scalar value) => (float)value.Magnitude;
    public static double ToDouble(this Scalar value) => value.Magnitude;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.Whole;
    public static byte ToByte(this Scalar value) => (byte)value.Whole;
    public static short ToInt16(this Scalar value) => (short)value.Whole;
    public static int ToInt32(this Scalar value) => (int)value.Whole;
    public static long ToInt64(this Scalar value) => value.Whole;
    public static bool ToBoolean(this Scalar value) => value.Magnitude != 0;
    public static (float Real, float Imaginary) ToComplexFloat32(this Scalar value) => ((float)value.AsComplex.Real, (float)value.AsComplex.Imaginary);
    public static Complex ToComplexFloat64(this Scalar value) => value.AsComplex;
}
