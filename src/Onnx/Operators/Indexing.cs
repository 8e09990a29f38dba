using Tessera.Onnx.Format;
using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>Values picked, or put, by places that are tensors.</summary>
internal static class Indexing
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add(
            "index_select",
            c => c.Set(c.Node("Gather", [c.In("self"), c.In("index", OnnxType.Int64)], ("axis", c.Axis("dim", c.Rank("self")))))
        );
        add("embedding", c => c.Set(c.Node("Gather", [c.In("weight"), c.In("indices", OnnxType.Int64)], ("axis", 0L))));
        add(
            "gather",
            c => c.Set(c.Node("GatherElements", [c.In("self"), c.In("index", OnnxType.Int64)], ("axis", c.Axis("dim", c.Rank("self")))))
        );
        add(
            "take_along_dim",
            c => c.Set(c.Node("GatherElements", [c.In("self"), c.In("indices", OnnxType.Int64)], ("axis", c.Axis("dim", c.Rank("self")))))
        );
        add("scatter", Scattered);
        add("scatter_add", c => Scattered(c, "add"));
        add("index", Picked);
        add("index_put", Put);
    }

    private static void Scattered(OperatorContext c) => Scattered(c, "none");

    private static void Scattered(OperatorContext c, string reduction)
    {
        if (!c.IsTensor("src"))
            throw c.NoForm("it writes one number");
        var index = c.Value("index");
        if (!index.Shape.SequenceEqual(c.Shape("src")))
            throw c.NoForm("it writes a part of its source");
        c.Set(
            c.Node(
                "ScatterElements",
                [c.In("self"), c.In(index, OnnxType.Int64), c.In("src", c.OutType())],
                ("axis", c.Axis("dim", c.Rank("self"))),
                ("reduction", reduction)
            )
        );
    }

    private static void Picked(OperatorContext c)
    {
        var indices = c.Values("indices");
        var given = indices.Index().Where(entry => entry.Item is not null).Select(entry => (entry.Index, Value: entry.Item!)).ToArray();
        if (given.Any(entry => entry.Value.Type is OnnxType.Bool or OnnxType.UInt8))
            throw c.NoForm("how many values it picks depends on them");
        if (given is [var (axis, only)])
        {
            c.Set(c.Node("Gather", [c.In("self"), c.In(only, OnnxType.Int64)], ("axis", (long)axis)));
            return;
        }
        var first = given[0].Index;
        if (given[^1].Index - first != given.Length - 1)
            throw c.NoForm("the axes that it picks along don't follow one another");
        // The picked axes go to the front; what is picked comes back to where the first of them was.
        var rank = c.Rank("self");
        long[] front = [.. given.Select(entry => (long)entry.Index), .. Others()];
        var turned = first == 0 ? c.In("self") : c.Node("Transpose", [c.In("self")], ("perm", front));
        var gathered = c.Node("GatherND", [turned, Places(c, [.. given.Select(entry => entry.Value)])]);
        var width = c.Output().Shape.Count - (rank - given.Length); // axes of the indices
        if (first > 0)
        {
            long[] back =
            [
                .. Enumerable.Range(width, first).Select(i => (long)i),
                .. Enumerable.Range(0, width).Select(i => (long)i),
                .. Enumerable.Range(width + first, rank - given.Length - first).Select(i => (long)i),
            ];
            gathered = c.Node("Transpose", [gathered], ("perm", back));
        }
        c.Set(gathered);

        IEnumerable<long> Others() => Enumerable.Range(0, rank).Except(given.Select(entry => entry.Index)).Select(i => (long)i);
    }

    private static void Put(OperatorContext c)
    {
        var indices = c.Values("indices");
        if (indices.Any(index => index is null) || indices.Any(index => index!.Type is OnnxType.Bool or OnnxType.UInt8))
            throw c.NoForm("it writes by a mask, or not along the first axes");
        var places = Places(c, [.. indices.OfType<RecordedValue>()]);
        var longest = indices.OfType<RecordedValue>().MaxBy(index => index.Shape.Count)!;
        var values = c.Value("values");
        long[] wanted = [.. longest.Shape, .. c.Shape("self").Skip(indices.Count)];
        var name = c.In(values, c.OutType());
        if (!values.Shape.SequenceEqual(wanted))
            name = c.Node("Expand", [name, c.Writer.Integers(wanted)]);
        c.Set(c.Node("ScatterND", [c.In("self"), places, name], ("reduction", c.Flag("accumulate") ? "add" : "none")));
    }

    /// <summary>Indices of several axes beside each other, [..., axes].</summary>
    private static string Places(OperatorContext c, RecordedValue[] indices)
    {
        var names = indices.Select(index => c.In(index, OnnxType.Int64)).ToArray();
        if (indices.Any(index => !index.Shape.SequenceEqual(indices[0].Shape)))
        {
            // To one shape: each plus zeros of all the others.
            var zero = names.Select(name => c.Node("Mul", [name, c.Writer.Integer(0)])).Aggregate((a, b) => c.Node("Add", [a, b]));
            names = Array.ConvertAll(names, name => c.Node("Add", [name, zero]));
        }
        return c.Node("Concat", [.. names.Select(name => c.Node("Unsqueeze", [name, c.Writer.Integers(-1)]))], ("axis", -1L));
    }
}
