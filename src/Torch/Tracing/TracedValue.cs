using TorchSharp;

namespace Tessera.Torch;

/// <summary>An argument or a result of a traced operator.</summary>
public abstract record TracedValue
{
    /// <summary>The tensors in it: itself, or those of a list, at any depth.</summary>
    public IEnumerable<TracedTensor> Tensors =>
        this switch
        {
            TracedTensor tensor => [tensor],
            TracedList list => list.Items.SelectMany(item => item.Tensors),
            _ => [],
        };
}

/// <summary>A tensor: all that is known of it but its values.</summary>
/// <param name="Id">Of the tensor. It is used again for another tensor after this one was freed: an id means the latest tensor that had
/// it.</param>
/// <param name="Storage">Id of the memory: views, and what works in place, share it. 0: no memory of the common kind, as in sparse
/// tensors.</param>
/// <param name="Offset">Of its first element in the memory, in elements.</param>
/// <param name="Device">"cpu", "cuda:0".</param>
/// <param name="Type">null: a type that TorchSharp has no name for; <paramref name="TypeName"/> has libtorch's.</param>
/// <param name="ElementSize">In bytes; 0 where there is no memory.</param>
public sealed record TracedTensor(
    long Id,
    long Storage,
    long Offset,
    int ElementSize,
    string Device,
    IReadOnlyList<long> Shape,
    IReadOnlyList<long> Strides,
    torch.ScalarType? Type,
    string TypeName
) : TracedValue
{
    /// <summary>Where its values come from, and what they are; null where the trace wasn't asked to see them, and of results.</summary>
    public TensorOrigin? Origin { get; init; }

    /// <summary>How many numbers it holds.</summary>
    public long Elements => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>A list or a tuple.</summary>
public sealed record TracedList(IReadOnlyList<TracedValue> Items) : TracedValue
{
    /// <summary>The items as integers (a shape, strides); null where one is none.</summary>
    public IReadOnlyList<long>? Integers =>
        Items.All(item => item is TracedInteger) ? [.. Items.Cast<TracedInteger>().Select(item => item.Value)] : null;
}

/// <summary>An integer; also an enumeration such as a scalar type, by its number in libtorch.</summary>
public sealed record TracedInteger(long Value) : TracedValue;

/// <summary>A floating-point number, as the trace tells it: with six decimals, so 1e-8 reads 0.</summary>
public sealed record TracedDouble(double Value) : TracedValue;

public sealed record TracedBool(bool Value) : TracedValue;

public sealed record TracedText(string Value) : TracedValue;

/// <summary>An optional argument that wasn't given, or an undefined tensor.</summary>
public sealed record TracedNothing : TracedValue
{
    public static readonly TracedNothing Instance = new();
}

/// <summary>What the trace doesn't tell the value of.</summary>
/// <param name="Kind">libtorch's word: "Generator", "ComplexDouble", "Object".</param>
public sealed record TracedOther(string Kind) : TracedValue;

/// <summary>Where the values of an operator's argument come from (<see cref="OperatorTrace.RecordWithValues"/>).</summary>
/// <param name="dependsOnInput">They depend on one of the tensors that the action was given.</param>
public sealed class TensorOrigin(bool dependsOnInput)
{
    /// <summary>They depend on one of the tensors that the action was given.</summary>
    public bool DependsOnInput { get; } = dependsOnInput;

    /// <summary>It is (a view that begins with) this one of the tensors that the action was given.</summary>
    public int? Input { get; init; }

    /// <summary>It is this one of the known tensors.</summary>
    public int? Known { get; init; }

    /// <summary>It lies in the memory of this known tensor.</summary>
    public int? Within { get; init; }

    /// <summary>Its values when the operator began, rows first; null where they depend on the input, are known, or take 2 GB or
    /// more.</summary>
    public ReadOnlyMemory<byte>? Values { get; init; }
}
