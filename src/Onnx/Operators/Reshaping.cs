using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>The same numbers in another shape, order or type.</summary>
internal static class Reshaping
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        foreach (
            var name in (string[])
                [
                    "alias",
                    "detach",
                    "contiguous",
                    "clone",
                    "dropout",
                    "feature_dropout",
                    "lift_fresh",
                    "requires_grad",
                    "resolve_conj",
                    "resolve_neg",
                ]
        )
            add(name, Same);
        foreach (
            var name in (string[])
                [
                    "view",
                    "reshape",
                    "flatten",
                    "unflatten",
                    "squeeze",
                    "unsqueeze",
                    "view_as",
                    "reshape_as",
                    "_reshape_alias",
                    "_unsafe_view",
                    "ravel",
                ]
        )
            add(name, c => c.Set(c.Reshaped(c.In(c.Inputs[0]), c.Inputs[0], c.Output())));
        foreach (var name in (string[])["to", "_to_copy", "type_as", "float", "half"])
            add(name, c => c.Set(c.In(c.Inputs[0], c.OutType())));
        add("permute", c => c.Set(Permuted(c, c.Integers("dims"))));
        add("transpose", Transposed);
        add("swapaxes", Transposed);
        foreach (var name in (string[])["t", "numpy_T", "adjoint", "mT"])
            add(name, Turned);
        add("movedim", Moved);
        add("expand", c => c.Set(Expanded(c, c.In(c.Inputs[0]), c.Inputs[0], c.Output())));
        add("expand_as", c => c.Set(Expanded(c, c.In(c.Inputs[0]), c.Inputs[0], c.Output())));
        add("broadcast_to", c => c.Set(Expanded(c, c.In(c.Inputs[0]), c.Inputs[0], c.Output())));
        add("repeat", c => Repeated(c, "repeats"));
        add("tile", c => Repeated(c, "dims"));
        add("repeat_interleave", Interleaved);
        add(
            "pixel_shuffle",
            c => c.Set(c.Node("DepthToSpace", [c.In("self")], ("blocksize", c.Integer("upscale_factor")), ("mode", "CRD")))
        );
        add("copy", c => c.Set(Expanded(c, c.In(c.Value("src"), c.OutType()), c.Value("src"), c.Output())));
    }

    private static void Same(OperatorContext c)
    {
        if (c.Flag("train"))
            throw c.NoForm("it drops values at random");
        c.Set(c.In(c.Inputs[0]));
    }

    private static string Permuted(OperatorContext c, long[] axes)
    {
        var rank = c.Inputs[0].Shape.Count;
        return c.Node("Transpose", [c.In(c.Inputs[0])], ("perm", (long[])[.. axes.Select(axis => axis < 0 ? axis + rank : axis)]));
    }

    private static void Transposed(OperatorContext c)
    {
        var rank = c.Inputs[0].Shape.Count;
        var (a, b) = c.Has("dim0") ? (c.Axis("dim0", rank), c.Axis("dim1", rank)) : (c.Axis("axis0", rank), c.Axis("axis1", rank));
        long[] order = [.. Enumerable.Range(0, rank).Select(axis => (long)axis)];
        (order[a], order[b]) = (order[b], order[a]);
        c.Set(Permuted(c, order));
    }

    private static void Turned(OperatorContext c)
    {
        var rank = c.Inputs[0].Shape.Count;
        if (rank < 2)
            Same(c);
        else
            c.Set(Permuted(c, [.. Enumerable.Range(0, rank - 2).Select(axis => (long)axis), rank - 1, rank - 2]));
    }

    private static void Moved(OperatorContext c)
    {
        var rank = c.Inputs[0].Shape.Count;
        long[] Axes(string argument) => [.. c.Integers(argument).Select(axis => axis < 0 ? axis + rank : axis)];
        var (from, to) = (Axes("source"), Axes("destination"));
        var order = new long[rank];
        Array.Fill(order, -1);
        for (var i = 0; i < from.Length; i++)
            order[to[i]] = from[i];
        var rest = new Queue<long>(Enumerable.Range(0, rank).Select(axis => (long)axis).Except(from));
        for (var i = 0; i < rank; i++)
            if (order[i] < 0)
                order[i] = rest.Dequeue();
        c.Set(Permuted(c, order));
    }

    /// <summary>A value repeated along sides of length 1, and along new ones in front.</summary>
    internal static string Expanded(OperatorContext c, string name, RecordedValue from, RecordedValue to)
    {
        var added = to.Shape.Count - from.Shape.Count;
        var numbers = new List<long[]>();
        for (var axis = 0; axis < to.Shape.Count; axis++)
        {
            var lengths = c.Lengths(to, axis);
            var same = axis >= added && c.Lengths(from, axis - added).AsSpan().SequenceEqual(lengths);
            numbers.Add(same ? [.. lengths.Select(_ => 1L)] : lengths); // ONNX keeps a side where 1 is asked for
        }
        if (added == 0 && numbers.All(of => of[0] == 1 && of.Distinct().Count() == 1))
            return name;
        return c.Node("Expand", [name, c.NumberList(numbers)]);
    }

    private static void Repeated(OperatorContext c, string argument)
    {
        var (value, times) = (c.In(c.Inputs[0]), c.IntegersOfAll(argument));
        var added = times.Count - c.Inputs[0].Shape.Count;
        if (added > 0)
            value = c.Node("Unsqueeze", [value, c.Writer.Integers([.. Enumerable.Range(0, added).Select(axis => (long)axis)])]);
        else if (added < 0)
            times = [.. Enumerable.Range(0, -added).Select(_ => times[0].Select(_ => 1L).ToArray()), .. times];
        c.Set(c.Node("Tile", [value, c.NumberList(times)]));
    }

    // Every entry several times, one after the other.
    private static void Interleaved(OperatorContext c)
    {
        var value = c.Value("self");
        if (c.IsTensor("repeats"))
            throw c.NoForm("the counts are a tensor");
        var (times, axis) = (c.IntegerOfAll("repeats"), c.Axis("dim", value.Shape.Count));
        if (!c.Has("dim") && value.Shape.Count != 1)
            throw c.NoForm("no axis is named");
        var inner = c.Node("Unsqueeze", [c.In(value), c.Writer.Integers(axis + 1)]);
        var counts = Enumerable.Range(0, value.Shape.Count + 1).Select(i => i == axis + 1 ? times : times.Select(_ => 1L).ToArray());
        c.Set(c.Reshaped(c.Node("Tile", [inner, c.NumberList([.. counts])]), value, c.Output()));
    }
}
