namespace Tessera.Torch;

/// <summary>What operators computed.</summary>
/// <param name="MultiplyAdds">Of matrix products and convolutions, those within attention included.</param>
/// <param name="Activations">Values that these gave.</param>
/// <param name="Bytes">Allocated for the results of all operators that the program called; views and what works in place need none.</param>
public readonly record struct OperationCounts(long MultiplyAdds, long Activations, long Bytes)
{
    public static OperationCounts operator -(OperationCounts a, OperationCounts b) =>
        new(a.MultiplyAdds - b.MultiplyAdds, a.Activations - b.Activations, a.Bytes - b.Bytes);

    public static OperationCounts operator +(OperationCounts a, OperationCounts b) =>
        new(a.MultiplyAdds + b.MultiplyAdds, a.Activations + b.Activations, a.Bytes + b.Bytes);

    /// <summary>Every operator of a trace, marks included, with what it adds to the sum. The sum of all is what the traced action
    /// cost.</summary>
    /// <remarks>
    /// Whatever a composite operator comes down to is seen: linear layers, einsum, bilinear layers. A product within another one counts
    /// once, with the
    /// outer one. Backward passes of convolutions are not counted.
    /// </remarks>
    public static IEnumerable<(TracedOperator Operator, OperationCounts Counts)> Of(OperatorTrace trace)
    {
        var within = new HashSet<TracedOperator>(); // products, and what they call
        foreach (var node in trace.Operators) // parents come before their children
        {
            var (products, inner) = (0L, node.Parent is { } parent && within.Contains(parent));
            if (inner || (products = MatrixProducts.Of(node)) > 0)
                within.Add(node);
            yield return (
                node,
                new OperationCounts(products, products > 0 ? MatrixProducts.Result(node) : 0, node.Parent is null ? Allocated(node) : 0)
            );
        }
    }

    // What a called operator keeps for itself is freed when it ends.
    private static long Allocated(TracedOperator node)
    {
        var known = node.Inputs.SelectMany(value => value.Tensors).Select(tensor => tensor.Storage).ToHashSet();
        return node
            .Outputs.SelectMany(value => value.Tensors)
            .Where(tensor => known.Add(tensor.Storage))
            .Sum(tensor => tensor.Elements * tensor.ElementSize);
    }
}
