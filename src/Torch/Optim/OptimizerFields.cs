using TorchSharp.Utils;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>
/// Visits the fields of an optimizer's options or state. A class names its fields once; saving, loading, copying,
/// comparing, moving and freeing are visitors.
/// </summary>
internal abstract class OptimizerFields
{
    public abstract void Number(ref long value);
    public abstract void Number(ref double value);
    public abstract void Option(ref double? value);
    public abstract void Option(ref bool? value);

    /// <summary>A tensor that is always there.</summary>
    public abstract void Required(ref Tensor value);

    /// <summary>A tensor that may be absent.</summary>
    public abstract void Optional(ref Tensor? value);
}

internal sealed class FieldWriter(BinaryWriter writer) : OptimizerFields
{
    public override void Number(ref long value) => writer.Write(value);
    public override void Number(ref double value) => writer.Write(value);
    public override void Option(ref double? value) => writer.Write(value!.Value);
    public override void Option(ref bool? value) => writer.Write(value!.Value);
    public override void Required(ref Tensor value) => TensorFile.Save(value, writer);

    public override void Optional(ref Tensor? value)
    {
        writer.Write(value is not null);
        if (value is not null)
            TensorFile.Save(value, writer);
    }
}

internal sealed class FieldReader(BinaryReader reader, Device device) : OptimizerFields
{
    public override void Number(ref long value) => value = reader.ReadInt64();
    public override void Number(ref double value) => value = reader.ReadDouble();
    public override void Option(ref double? value) => value = reader.ReadDouble();
    public override void Option(ref bool? value) => value = reader.ReadBoolean();
    public override void Required(ref Tensor value) => TensorFile.Load(value, reader);

    public override void Optional(ref Tensor? value)
    {
        value?.Dispose();
        value = null;
        if (!reader.ReadBoolean())
            return;
        using var scope = NewDisposeScope();
        value = TensorFile.Load(reader).to(device).DetachFromDisposeScope();
    }
}

internal sealed class FieldCollector : OptimizerFields
{
    public List<object?> Values { get; } = [];

    public override void Number(ref long value) => Values.Add(value);
    public override void Number(ref double value) => Values.Add(value);
    public override void Option(ref double? value) => Values.Add(value);
    public override void Option(ref bool? value) => Values.Add(value);
    public override void Required(ref Tensor value) => Values.Add(value);
    public override void Optional(ref Tensor? value) => Values.Add(value);
}

/// <summary>Assigns collected values in the same order; tensors are copied.</summary>
internal sealed class FieldAssigner(List<object?> values, Device device, bool onlyMissing = false) : OptimizerFields
{
    private int _next;

    public override void Number(ref long value) => value = (long)values[_next++]!;
    public override void Number(ref double value) => value = (double)values[_next++]!;
    public override void Option(ref double? value) => value = onlyMissing && value is not null ? Skip(value) : (double?)values[_next++];
    public override void Option(ref bool? value) => value = onlyMissing && value is not null ? Skip(value) : (bool?)values[_next++];
    public override void Required(ref Tensor value) => value = Copy(value)!;
    public override void Optional(ref Tensor? value) => value = Copy(value);

    private T Skip<T>(T value)
    {
        _next++;
        return value;
    }

    private Tensor? Copy(Tensor? old)
    {
        var source = (Tensor?)values[_next++];
        if (ReferenceEquals(source, old))
            return old;
        old?.Dispose();
        if (source is null)
            return null;
        using var noGrad = no_grad();
        return source.to(source.dtype, device, copy: true).DetachFromDisposeScope();
    }
}

internal sealed class FieldMover(Device device) : OptimizerFields
{
    public override void Number(ref long value) { }
    public override void Number(ref double value) { }
    public override void Option(ref double? value) { }
    public override void Option(ref bool? value) { }
    public override void Required(ref Tensor value) => value = Move(value);

    public override void Optional(ref Tensor? value)
    {
        if (value is not null)
            value = Move(value);
    }

    private Tensor Move(Tensor tensor)
    {
        if (tensor.device_type == device.type && (device.index < 0 || device.index == tensor.device_index))
            return tensor;
        using var old = tensor;
        return tensor.to(device).DetachFromDisposeScope();
    }
}

internal sealed class FieldDisposer : OptimizerFields
{
    public override void Number(ref long value) { }
    public override void Number(ref double value) { }
    public override void Option(ref double? value) { }
    public override void Option(ref bool? value) { }
    public override void Required(ref Tensor value) => value?.Dispose();

    public override void Optional(ref Tensor? value)
    {
        value?.Dispose();
        value = null;
    }
}
