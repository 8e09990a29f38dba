using Tessera.Onnx.Format;
using Tessera.Torch;

namespace Tessera.Onnx.Recording;

/// <summary>A tensor of a recorded forward pass. Every writing gives a new one: a value never changes.</summary>
/// <param name="Index">Its place among the program's values.</param>
internal sealed record RecordedValue(int Index)
{
    public required IReadOnlyList<long> Shape { get; init; }

    /// <summary>null: ONNX has no such type.</summary>
    public required OnnxType? Type { get; init; }

    /// <summary>libtorch's word for the type.</summary>
    public required string TypeName { get; init; }

    /// <summary>Whether it depends on the images.</summary>
    public bool Dependent { get; init; }

    /// <summary>The operator that gave it, and at which place of its results; -1: none did.</summary>
    public int Producer { get; init; } = -1;

    public int Position { get; init; }

    /// <summary>Which of the inputs it is; null: none.</summary>
    public int? Input { get; init; }

    /// <summary>Which of the known tensors it is; null: none.</summary>
    public int? Known { get; init; }

    /// <summary>In whose memory it lies, of the known tensors.</summary>
    public int? Within { get; set; }

    /// <summary>Its values, where they were seen.</summary>
    public ReadOnlyMemory<byte>? Data { get; set; }
}

/// <summary>An operator of a recorded forward pass.</summary>
/// <param name="Name">"aten::conv2d"; "tessera::…" for what recording puts in for writing through views.</param>
/// <param name="Module">The module that called it, as in named_modules; empty: the model itself.</param>
/// <param name="Arguments">Those of the schema; a tensor is found by <see cref="RecordedProgram.ValueOf"/>.</param>
/// <param name="Outputs">Indices of values.</param>
internal sealed record RecordedOperator(
    string Name,
    string Schema,
    string Module,
    IReadOnlyList<TracedValue> Arguments,
    IReadOnlyList<int> Inputs,
    IReadOnlyList<int> Outputs
);

/// <summary>A forward pass as operators over values.</summary>
internal sealed class RecordedProgram
{
    private readonly Dictionary<TracedTensor, int> _values = new(ReferenceEqualityComparer.Instance);

    public List<RecordedValue> Values { get; } = [];

    public List<RecordedOperator> Operators { get; } = [];

    /// <summary>The results, as indices of values.</summary>
    public List<int> Results { get; } = [];

    /// <summary>What tapped modules gave when they last ran.</summary>
    public SortedDictionary<int, IReadOnlyList<int>> Taps { get; } = [];

    /// <summary>The value that an argument is.</summary>
    public int ValueOf(TracedTensor argument) => _values[argument];

    internal void Is(TracedTensor argument, int value) => _values[argument] = value;
}
