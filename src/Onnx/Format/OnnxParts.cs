namespace Tessera.Onnx.Format;

/// <summary>A constant of the graph.</summary>
/// <param name="Data">Its values, rows first, in the format's byte order (little endian).</param>
internal sealed record OnnxTensor(string Name, OnnxType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data);

/// <summary>An operation.</summary>
/// <param name="Inputs">Names of values; empty for an optional one that isn't given.</param>
/// <param name="Attributes">Each a float, a long, a string, a list of floats or of longs.</param>
internal sealed record OnnxNode(
    string Operation,
    string Name,
    IReadOnlyList<string> Inputs,
    IReadOnlyList<string> Outputs,
    IReadOnlyList<(string Name, object Value)> Attributes
);

/// <summary>An input or an output of the graph.</summary>
/// <param name="Sides">Each a number (long) or a name (string) of one that isn't fixed.</param>
internal sealed record OnnxPort(string Name, OnnxType Type, IReadOnlyList<object> Sides);

/// <summary>A whole model.</summary>
internal sealed class OnnxModel(int opset)
{
    /// <summary>Which release of the standard operations it is written for.</summary>
    public int Opset { get; } = opset;

    public List<OnnxNode> Nodes { get; } = [];

    public List<OnnxTensor> Constants { get; } = [];

    public List<OnnxPort> Inputs { get; } = [];

    public List<OnnxPort> Outputs { get; } = [];

    /// <summary>Texts by name, in order.</summary>
    public List<(string Name, string Value)> Metadata { get; } = [];
}
