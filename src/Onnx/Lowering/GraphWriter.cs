using System.Runtime.InteropServices;
using Tessera.Onnx.Format;

namespace Tessera.Onnx.Lowering;

/// <summary>Adds nodes and constants to a model; equal constants are kept once.</summary>
internal sealed class GraphWriter(OnnxModel model)
{
    private readonly Dictionary<string, string> _constants = [];
    private readonly HashSet<string> _names = [];
    private readonly Dictionary<(string, int), string> _sides = [];

    public OnnxModel Model { get; } = model;

    public int Opset => Model.Opset;

    /// <summary>A name that no value has yet.</summary>
    public string Fresh(string wanted)
    {
        var name = wanted;
        for (var i = 1; !_names.Add(name); i++)
            name = $"{wanted}_{i}";
        return name;
    }

    /// <summary>Adds a node with one output.</summary>
    /// <param name="place">Names it: the module that it stands for.</param>
    /// <returns>The output's name.</returns>
    public string Node(string place, string operation, IReadOnlyList<string> inputs, params (string Name, object Value)[] attributes) =>
        Nodes(place, operation, inputs, 1, attributes)[0];

    /// <summary>Adds a node with several outputs.</summary>
    public string[] Nodes(
        string place,
        string operation,
        IReadOnlyList<string> inputs,
        int outputs,
        params (string Name, object Value)[] attributes
    )
    {
        var name = Fresh(place.Length > 0 ? $"{place}/{operation}" : operation);
        string[] results = outputs == 1 ? [$"{name}.out"] : [.. Enumerable.Range(0, outputs).Select(i => $"{name}.out{i}")];
        Model.Nodes.Add(new OnnxNode(operation, name, inputs, results, attributes));
        return results;
    }

    /// <summary>Adds a constant by its own name.</summary>
    public string Weight(string name, OnnxType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> data)
    {
        name = Fresh(name);
        Model.Constants.Add(new OnnxTensor(name, type, shape, data));
        return name;
    }

    /// <summary>A constant; the same name where there is an equal one.</summary>
    public string Constant(OnnxType type, IReadOnlyList<long> shape, ReadOnlyMemory<byte> data)
    {
        var key = $"{type} {string.Join('x', shape)} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(data.Span))}";
        return _constants.TryGetValue(key, out var known) ? known : _constants[key] = Weight("constant", type, shape, data);
    }

    /// <summary>A list of whole numbers, [N].</summary>
    public string Integers(params IReadOnlyList<long> numbers) =>
        Constant(OnnxType.Int64, [numbers.Count], MemoryMarshal.AsBytes(numbers.ToArray().AsSpan()).ToArray());

    /// <summary>A single whole number, [].</summary>
    public string Integer(long number) => Constant(OnnxType.Int64, [], BitConverter.GetBytes(number));

    /// <summary>Float32 numbers, [N].</summary>
    public string Floats(params IReadOnlyList<float> numbers) =>
        Constant(OnnxType.Float, [numbers.Count], MemoryMarshal.AsBytes(numbers.ToArray().AsSpan()).ToArray());

    /// <summary>A single number of a type, [].</summary>
    public string Scalar(OnnxType type, double number) => Constant(type, [], Scalars.Bytes(type, number));

    /// <summary>The length of a side of a value, [1].</summary>
    public string Side(string value, int axis)
    {
        if (_sides.TryGetValue((value, axis), out var known))
            return known;
        var shape = Node("", "Shape", [value]);
        return _sides[(value, axis)] = Node("", "Gather", [shape, Integers(axis)], ("axis", 0L));
    }

    /// <summary>A formula's number, [1].</summary>
    public string Number(DimensionFormula formula)
    {
        string? product = null;
        foreach (var (source, by, up) in formula.Factors)
        {
            var length = Side(source.Value, source.Axis);
            if (up && by > 1)
                length = Node("", "Add", [length, Integers(by - 1)]);
            if (by > 1)
                length = Node("", "Div", [length, Integers(by)]);
            product = product is null ? length : Node("", "Mul", [product, length]);
        }
        if (formula.Multiplier != 1)
            product = Node("", "Mul", [product!, Integers(formula.Multiplier)]);
        if (formula.Divisor != 1)
            product = Node("", "Div", [product!, Integers(formula.Divisor)]);
        return formula.Offset == 0 ? product! : Node("", "Add", [product!, Integers(formula.Offset)]);
    }

    public string Cast(string place, string value, OnnxType to) => Node(place, "Cast", [value], ("to", (long)to));
}

internal static class Scalars
{
    /// <summary>A number in the format's bytes.</summary>
    public static byte[] Bytes(OnnxType type, double number) =>
        type switch
        {
            OnnxType.Float => BitConverter.GetBytes((float)number),
            OnnxType.Double => BitConverter.GetBytes(number),
            OnnxType.Float16 => BitConverter.GetBytes((Half)number),
            OnnxType.BFloat16 => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits((float)number) >> 16)),
            OnnxType.Int64 => BitConverter.GetBytes((long)number),
            OnnxType.Int32 => BitConverter.GetBytes((int)number),
            OnnxType.Int16 => BitConverter.GetBytes((short)number),
            OnnxType.Int8 => [(byte)(sbyte)number],
            OnnxType.UInt8 => [(byte)number],
            _ => [number != 0 ? (byte)1 : (byte)0],
        };
}
