using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>Parts of tensors, and tensors of parts.</summary>
internal static class Parts
{
    private static readonly string[] PadModes = ["reflect", "replicate", "circular", "constant"];

    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("cat", c => Joined(c, "tensors"));
        add("concat", c => Joined(c, "tensors"));
        add("stack", Stacked);
        add("slice", Sliced);
        add("narrow", Narrowed);
        add("select", Selected);
        foreach (var name in (string[])["split", "split_with_sizes", "chunk", "unsafe_chunk", "tensor_split"])
            add(name, Split);
        add("unbind", Unbound);
        add("flip", Flipped);
        add("roll", Rolled);
        add("pad", c => c.Set(Padded(c, c.Text("mode") ?? "constant", "value")));
        add("_pad_enum", c => c.Set(Padded(c, PadModes[c.Integer("mode")], "value")));
        add("constant_pad_nd", c => c.Set(Padded(c, "constant", "value")));
        foreach (var axes in (int[])[1, 2, 3])
        {
            add($"reflection_pad{axes}d", c => c.Set(Padded(c, "reflect", "value", "padding")));
            add($"replication_pad{axes}d", c => c.Set(Padded(c, "replicate", "value", "padding")));
        }
        add("unfold", Unfolded);
        add("tril", c => Triangle(c, "tril"));
        add("triu", c => Triangle(c, "triu"));
    }

    private static void Joined(OperatorContext c, string argument)
    {
        var axis = c.Axis("dim", c.Output().Shape.Count);
        // Old programs join an empty list [0] to anything.
        var parts = c.Values(argument).OfType<RecordedValue>().Where(part => !part.Shape.SequenceEqual([0])).ToArray();
        c.Set(c.Node("Concat", [.. parts.Select(part => c.In(part, c.OutType()))], ("axis", axis)));
    }

    private static void Stacked(OperatorContext c)
    {
        var axis = c.Axis("dim", c.Output().Shape.Count);
        var parts = c.Values("tensors").OfType<RecordedValue>().Select(part => c.In(part, c.OutType()));
        c.Set(c.Node("Concat", [.. parts.Select(part => c.Node("Unsqueeze", [part, c.Writer.Integers(axis)]))], ("axis", axis)));
    }

    private static void Sliced(OperatorContext c)
    {
        var value = c.Value("self");
        var axis = (int)c.Axis("dim", value.Shape.Count);
        var lengths = c.Lengths(value, axis);
        var begin = c.Has("start") ? Within(c.IntegerOfAll("start"), lengths) : [.. lengths.Select(_ => 0L)];
        var end = c.Has("end") ? Within(c.IntegerOfAll("end"), lengths) : lengths;
        if (end.AsSpan().SequenceEqual(lengths))
            end = [.. lengths.Select(_ => long.MaxValue)];
        c.Set(Slice(c, c.In(value), axis, begin, end, c.Integer("step", 1)));
    }

    private static long[] Within(long[] places, long[] lengths) =>
        [.. places.Select((place, i) => Math.Clamp(place < 0 ? place + lengths[i] : place, 0, lengths[i]))];

    private static void Narrowed(OperatorContext c)
    {
        var value = c.Value("self");
        var axis = (int)c.Axis("dim", value.Shape.Count);
        var lengths = c.Lengths(value, axis);
        var begin = Within(c.IntegerOfAll("start"), lengths);
        var end = begin.Zip(c.IntegerOfAll("length"), (start, length) => start + length).ToArray();
        if (end.AsSpan().SequenceEqual(lengths))
            end = [.. lengths.Select(_ => long.MaxValue)];
        c.Set(Slice(c, c.In(value), axis, begin, end, 1));
    }

    internal static string Slice(OperatorContext c, string value, int axis, long[] begin, long[] end, long step) =>
        c.Node("Slice", [value, c.Number(begin), c.Number(end), c.Writer.Integers(axis), c.Writer.Integers(step)]);

    private static void Selected(OperatorContext c)
    {
        var value = c.Value("self");
        var axis = c.Axis("dim", value.Shape.Count);
        var place = c.IntegerOfAll("index");
        if (place.Distinct().Count() == 1)
        {
            c.Set(c.Node("Gather", [c.In(value), c.Writer.Integer(place[0])], ("axis", axis)));
            return;
        }
        var kept = c.Node("Gather", [c.In(value), c.Number(place)], ("axis", axis));
        c.Set(c.Node("Squeeze", [kept, c.Writer.Integers(axis)]));
    }

    private static void Split(OperatorContext c)
    {
        var value = c.Inputs[0];
        var axis = (int)c.Axis("dim", value.Shape.Count);
        var begin = c.Lengths(value, axis).Select(_ => 0L).ToArray();
        for (var i = 0; i < c.Outputs; i++)
        {
            var end = begin.Zip(c.Lengths(c.Output(i), axis), (start, length) => start + length).ToArray();
            c.Set(Slice(c, c.In(value), axis, begin, end, 1), i);
            begin = end;
        }
    }

    private static void Unbound(OperatorContext c)
    {
        var axis = c.Axis("dim", c.Rank("self"));
        for (var i = 0; i < c.Outputs; i++)
            c.Set(c.Node("Gather", [c.In("self"), c.Writer.Integer(i)], ("axis", axis)), i);
    }

    private static void Flipped(OperatorContext c)
    {
        var axes = c.Integers("dims");
        long[] Of(long value) => [.. axes.Select(_ => value)];
        c.Set(
            c.Node(
                "Slice",
                [
                    c.In("self"),
                    c.Writer.Integers(Of(-1)),
                    c.Writer.Integers(Of(long.MinValue)),
                    c.Writer.Integers(axes),
                    c.Writer.Integers(Of(-1)),
                ]
            )
        );
    }

    private static void Rolled(OperatorContext c)
    {
        var (shifts, axes, value) = (c.Integers("shifts"), c.Integers("dims"), c.In("self"));
        if (axes.Length != shifts.Length)
            throw c.NoForm("no axes are named");
        for (var i = 0; i < axes.Length; i++)
        {
            var axis = axes[i] < 0 ? axes[i] + c.Rank("self") : axes[i];
            if (c.Lengths(c.Value("self"), (int)axis).Any(length => Math.Abs(shifts[i]) > length))
                throw c.NoForm("it rolls by more than a whole side");
            if (shifts[i] == 0)
                continue;
            var (first, last) = (Cut(-shifts[i], long.MaxValue), Cut(0, -shifts[i]));
            value = c.Node("Concat", [first, last], ("axis", axis));

            string Cut(long begin, long end) =>
                c.Node("Slice", [value, c.Writer.Integers(begin), c.Writer.Integers(end), c.Writer.Integers(axis), c.Writer.Integers(1)]);
        }
        c.Set(value);
    }

    private static string Padded(OperatorContext c, string mode, string filling, string amounts = "pad")
    {
        var onnx = mode switch
        {
            "constant" => "constant",
            "reflect" => "reflect",
            "replicate" => "edge",
            _ => throw c.NoForm($"it pads in mode {mode}"),
        };
        // libtorch has (before, after) of the last axis first.
        var (given, rank) = (c.IntegersOfAll(amounts), c.Rank("self"));
        var none = c.Lengths(c.Value("self"), 0).Select(_ => 0L).ToArray();
        var pads = Enumerable.Repeat(none, 2 * rank).ToArray();
        for (var i = 0; i < given.Count / 2; i++)
            (pads[rank - 1 - i], pads[(2 * rank) - 1 - i]) = (given[2 * i], given[(2 * i) + 1]);
        string[] inputs =
            onnx == "constant"
                ? [c.In("self"), c.NumberList(pads), c.Writer.Scalar(c.OutType(), c.Real(filling))]
                : [c.In("self"), c.NumberList(pads)];
        return c.Node("Pad", inputs, ("mode", onnx));
    }

    // Windows along an axis, which become the last axis.
    private static void Unfolded(OperatorContext c)
    {
        var value = c.Value("self");
        var axis = (int)c.Axis("dimension", value.Shape.Count);
        var (size, step) = (c.Integer("size"), c.Integer("step"));
        if (!c.IsFixed(value, axis))
            throw ExportErrors.DependsOnSize(c.Place, "its number of windows");
        var count = c.Output().Shape[axis];
        var places = new long[count * size];
        for (var i = 0; i < places.Length; i++)
            places[i] = (i / size * step) + (i % size);
        var indices = c.Node("Reshape", [c.Writer.Integers(places), c.Writer.Integers(count, size)]);
        var windows = c.Node("Gather", [c.In(value), indices], ("axis", (long)axis));
        long[] order = [.. Enumerable.Range(0, value.Shape.Count + 1).Where(i => i != axis + 1).Select(i => (long)i), axis + 1];
        c.Set(c.Node("Transpose", [windows], ("perm", order)));
    }

    private static void Triangle(OperatorContext c, string name) =>
        c.Set(c.Node("Trilu", [c.In("self"), c.Writer.Integer(c.Integer("diagonal"))], ("upper", name == "triu" ? 1L : 0)));

    /// <summary>What was written through a view, laid over what was there.</summary>
    internal static void Overlay(OperatorContext c)
    {
        var (old, into, written, from) = (c.Inputs[0], c.Inputs[1], c.Inputs[2], c.Inputs[3]);
        string Flat(RecordedValue value) => c.Node("Reshape", [c.In(value), c.Writer.Integers(-1)]);
        var updates = c.Node("Gather", [Flat(written), c.In(from)], ("axis", 0L));
        var laid = c.Node("ScatterElements", [Flat(old), c.In(into), updates], ("axis", 0L));
        c.Set(c.Reshaped(laid, null, c.Output()));
    }
}
