namespace Tessera.Torch;

/// <summary>One operator that ran while a trace was recorded.</summary>
/// <param name="id">Grows in the order in which operators began.</param>
/// <param name="name">"aten::conv2d", without the overload, which the schema tells.</param>
/// <param name="schema">As libtorch declares it, with every argument's name; empty for what is no operator, such as a TorchScript
/// function.</param>
public sealed class TracedOperator(
    long id,
    string name,
    string schema,
    IReadOnlyList<TracedValue> inputs,
    IReadOnlyList<TracedValue> outputs
)
{
    public long Id { get; } = id;

    public string Name { get; } = name;

    public string Schema { get; } = schema;

    /// <summary>In the schema's order, defaults included.</summary>
    public IReadOnlyList<TracedValue> Inputs { get; } = inputs;

    public IReadOnlyList<TracedValue> Outputs { get; } = outputs;

    /// <summary>The operator that called this one; null where the program did.</summary>
    public TracedOperator? Parent { get; internal set; }

    /// <summary>The number that <see cref="OperatorTrace.Mark"/> was given, where this is such a mark and no work of the program.</summary>
    public int? Mark => TraceMark.Of(this) is (TraceMark.Kind.Program, var number) ? number : null;

    public override string ToString() => $"{Id} {Name}";
}
