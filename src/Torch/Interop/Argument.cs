using TorchSharp;

namespace Tessera.Torch.Interop;

/// <summary>
/// One argument of an operator call. It holds the managed object, so that a tensor stays alive until the call has returned.
/// </summary>
internal readonly struct Argument
{
    internal readonly object? Reference;
    internal readonly long Bits;
    internal readonly ValueTag Tag;

    private Argument(ValueTag tag, long bits, object? reference = null)
    {
        Tag = tag;
        Bits = bits;
        Reference = reference;
    }

    internal static readonly Argument None;
    internal static Argument NoneTensor => default;

    public static implicit operator Argument(torch.Tensor? tensor) => tensor is null ? default : new(ValueTag.Tensor, 0, tensor);
    public static implicit operator Argument(long value) => new(ValueTag.Int, value);
    public static implicit operator Argument(int value) => new(ValueTag.Int, value);
    public static implicit operator Argument(double value) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Argument(float value) => new(ValueTag.Double, BitConverter.DoubleToInt64Bits(value));
    public static implicit operator Argument(bool value) => new(ValueTag.Bool, value ? 1 : 0);
    public static implicit operator Argument(long? value) => value is { } v ? (Argument)v : default;
    public static implicit operator Argument(int? value) => value is { } v ? (Argument)v : default;
    public static implicit operator Argument(double? value) => value is { } v ? (Argument)v : default;
    public static implicit operator Argument(bool? value) => value is { } v ? (Argument)v : default;
    public static implicit operator Argument(string? value) => value is null ? default : new(ValueTag.String, 0, value);
    public static implicit operator Argument(long[]? values) => values is null ? default : new(ValueTag.IntList, 0, values);
    public static implicit operator Argument(double[]? values) => values is null ? default : new(ValueTag.DoubleList, 0, values);
    public static implicit operator Argument(bool[]? values) => values is null ? default : new(ValueTag.BoolList, 0, values);
    public static implicit operator Argument(torch.Tensor[]? tensors) => tensors is null ? default : new(ValueTag.TensorList, 0, tensors);
    public static implicit operator Argument(torch.ScalarType type) => new(ValueTag.Int, (long)type);
    public static implicit operator Argument(torch.ScalarType? type) => type is { } t ? (Argument)t : default;
    public static implicit operator Argument(torch.Device? device) => device is null ? default : new(ValueTag.Device, (uint)device.index | ((long)device.type << 32));
    public static implicit operator Argument(torch.Generator? generator) => generator is null ? default : new(ValueTag.Generator, 0, generator);
    public static implicit operator Argument(Scalar? scalar) => scalar is null ? default : scalar.Tag == ValueTag.Complex ? new(ValueTag.Complex, 0, scalar) : new(scalar.Tag, scalar.Bits);

    /// <summary>A list in which an absent tensor means "this dimension is not indexed".</summary>
    internal static Argument Optional(torch.Tensor?[] tensors) => new(ValueTag.OptionalTensorList, 0, tensors);

    /// <summary>A floating point argument given as a scalar.</summary>
    internal static Argument Double(Scalar scalar) => scalar.ToDouble();
}
