using Tessera.Onnx.Format;
using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>Sums, means, extremes and orders along axes.</summary>
internal static class Reductions
{
    private const int AxesAsInput = 18; // of all reductions but the sum, which has them since 13

    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("mean", c => c.Set(Reduced(c, "ReduceMean")));
        add("sum", c => c.Set(Reduced(c, "ReduceSum")));
        add("prod", c => c.Set(Reduced(c, "ReduceProd")));
        add("amax", c => c.Set(Reduced(c, "ReduceMax")));
        add("amin", c => c.Set(Reduced(c, "ReduceMin")));
        add("logsumexp", c => c.Set(Reduced(c, "ReduceLogSumExp")));
        add("all", c => c.Set(Logical(c, "ReduceMin")));
        add("any", c => c.Set(Logical(c, "ReduceMax")));
        add("max", c => Extreme(c, "Max"));
        add("min", c => Extreme(c, "Min"));
        add("argmax", c => c.Set(Place(c, "ArgMax")));
        add("argmin", c => c.Set(Place(c, "ArgMin")));
        add("var", c => c.Set(Variance(c)));
        add("std", c => c.Set(c.Node("Sqrt", [Variance(c)])));
        add("var_mean", VarianceAndMean);
        add("norm", Norm);
        add("linalg_vector_norm", Norm);
        add("cumsum", c => c.Set(c.Node("CumSum", [c.In("self", c.OutType()), c.Writer.Integer(c.Axis("dim", c.Rank("self")))])));
        add("topk", c => Best(c, c.IntegerOfAll("k"), c.Flag("largest", true)));
        add("sort", c => Best(c, c.Lengths(c.Value("self"), Along(c)), c.Flag("descending")));
        add("argsort", c => c.Set(Ordered(c, c.Lengths(c.Value("self"), Along(c)), c.Flag("descending"))[1]));
    }

    /// <summary>A reduction along axes, as the opset wants it.</summary>
    internal static string Reduce(OperatorContext c, string operation, string value, IReadOnlyList<long> axes, bool keep)
    {
        var kept = ("keepdims", (object)(keep ? 1L : 0));
        if (axes.Count == 0)
            return c.Node(operation, [value], kept);
        return operation == "ReduceSum" || c.Opset >= AxesAsInput
            ? c.Node(operation, [value, c.Writer.Integers(axes)], kept)
            : c.Node(operation, [value], ("axes", axes.ToArray()), kept);
    }

    private static string Reduced(OperatorContext c, string operation) =>
        Reduce(c, operation, c.In("self", c.OutType()), c.Has("dim") ? c.Integers("dim") : [], c.Flag("keepdim"));

    private static string Logical(OperatorContext c, string operation)
    {
        var numbers = c.Writer.Cast("", c.In("self", OnnxType.Bool), OnnxType.Int32);
        var reduced = Reduce(c, operation, numbers, c.Has("dim") ? c.Integers("dim") : [], c.Flag("keepdim"));
        return c.Writer.Cast("", reduced, OnnxType.Bool);
    }

    // max(x), max(x, y), or max(x, axis) with the places.
    private static void Extreme(OperatorContext c, string which)
    {
        if (c.Has("other"))
            c.Set(c.Node(which, [c.In("self", c.OutType()), c.In("other", c.OutType())]));
        else
            c.Set(Reduced(c, $"Reduce{which}"));
        if (c.Outputs > 1)
            c.Set(Place(c, $"Arg{which}"), 1);
    }

    private static string Place(OperatorContext c, string operation)
    {
        if (c.Has("dim"))
            return c.Node(operation, [c.In("self")], ("axis", c.Axis("dim", c.Rank("self"))), ("keepdims", c.Flag("keepdim") ? 1L : 0));
        return c.Node(operation, [c.Node("Reshape", [c.In("self"), c.Writer.Integers(-1)])], ("axis", 0L), ("keepdims", 0L));
    }

    private static string Variance(OperatorContext c)
    {
        var axes = c.Has("dim") ? c.Integers("dim") : [.. Enumerable.Range(0, c.Rank("self")).Select(axis => (long)axis)];
        var centred = c.Node("Sub", [c.In("self"), Reduce(c, "ReduceMean", c.In("self"), axes, true)]);
        var mean = Reduce(c, "ReduceMean", c.Node("Mul", [centred, centred]), axes, c.Flag("keepdim"));
        var correction =
            c.Has("correction") ? c.Real("correction", 1)
            : c.Flag("unbiased", true) ? 1
            : 0;
        if (correction == 0)
            return mean;
        if (axes.Any(axis => !c.IsFixed(c.Value("self"), (int)(axis < 0 ? axis + c.Rank("self") : axis))))
            throw ExportErrors.DependsOnSize(c.Place, "its number of values");
        var count = axes.Aggregate(1.0, (product, axis) => product * c.Shape("self")[(int)(axis < 0 ? axis + c.Rank("self") : axis)]);
        return c.Node("Mul", [mean, c.Writer.Scalar(c.OutType(), count / (count - correction))]);
    }

    private static void VarianceAndMean(OperatorContext c)
    {
        c.Set(Variance(c));
        c.Set(Reduced(c, "ReduceMean"), 1);
    }

    private static void Norm(OperatorContext c)
    {
        var order = c.Has("p") ? c.Real("p", 2) : c.Real("ord", 2);
        var operation = order switch
        {
            2 => "ReduceL2",
            1 => "ReduceL1",
            _ => throw c.NoForm($"its order is {order}"),
        };
        c.Set(Reduced(c, operation));
    }

    private static int Along(OperatorContext c) => (int)c.Axis("dim", c.Rank("self"), -1);

    private static void Best(OperatorContext c, long[] count, bool largest)
    {
        var found = Ordered(c, count, largest);
        c.Set(found[0]);
        c.Set(found[1], 1);
    }

    private static string[] Ordered(OperatorContext c, long[] count, bool largest)
    {
        var type = c.Type("self");
        var value = c.In("self", type == OnnxType.Bool ? OnnxType.Int32 : type);
        return c.Nodes("TopK", [value, c.Number(count)], 2, ("axis", (long)Along(c)), ("largest", largest ? 1L : 0), ("sorted", 1L));
    }
}
