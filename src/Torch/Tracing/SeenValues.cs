namespace Tessera.Torch;

/// <summary>Joins what a trace tells of operators with what was seen while they ran.</summary>
internal static class SeenValues
{
    /// <param name="nodes">In order, with those that other operators called.</param>
    /// <param name="seen">What the program called, in order.</param>
    /// <exception cref="InvalidOperationException">They are not the same operators.</exception>
    public static IReadOnlyList<TracedOperator> Join(IReadOnlyList<TracedOperator> nodes, IReadOnlyList<WatchedOperator> seen)
    {
        var joined = new List<TracedOperator>(seen.Count);
        foreach (var node in nodes.Where(node => node.Parent is null))
        {
            if (joined.Count >= seen.Count || seen[joined.Count].Name != node.Name)
                throw new InvalidOperationException(
                    $"libtorch's trace of operators is not as expected: {node.Name} where "
                        + $"{(joined.Count < seen.Count ? seen[joined.Count].Name : "nothing")} was seen."
                );
            var arguments = seen[joined.Count].Inputs;
            joined.Add(
                new TracedOperator(
                    node.Id,
                    node.Name,
                    node.Schema,
                    [.. node.Inputs.Select((value, i) => i < arguments.Count ? Join(value, arguments[i]) : value)],
                    node.Outputs
                )
            );
        }
        return joined;
    }

    private static TracedValue Join(TracedValue value, WatchedValue seen) =>
        (value, seen) switch
        {
            (TracedDouble, WatchedNumber number) => new TracedDouble(number.Value),
            (TracedTensor tensor, WatchedArgument argument) => tensor with
            {
                Origin = new TensorOrigin(argument.OfInputs)
                {
                    Input = argument.Given,
                    Known = argument.Known,
                    Within = argument.Within,
                    Values = argument.Data is { } data ? data : null,
                },
            },
            (TracedList list, WatchedList items) when list.Items.Count == items.Items.Count => new TracedList([
                .. list.Items.Zip(items.Items, Join),
            ]),
            _ => value,
        };
}
