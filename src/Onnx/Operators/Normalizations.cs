using System.Runtime.InteropServices;
using Tessera.Onnx.Format;

namespace Tessera.Onnx.Operators;

/// <summary>Normalization.</summary>
internal static class Normalizations
{
    private const int LayerNormOpset = 17;

    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("batch_norm", Batch);
        add("layer_norm", Layer);
        add("group_norm", Group);
        add("instance_norm", Instance);
    }

    private static void Batch(OperatorContext c)
    {
        if (c.Flag("training"))
            throw c.NoForm("it takes statistics from the batch at hand");
        var channels = c.Shape("input")[1];
        c.Set(
            c.Node(
                "BatchNormalization",
                [c.In("input"), Each(c, "weight", channels, 1), Each(c, "bias", channels, 0), c.In("running_mean"), c.In("running_var")],
                ("epsilon", (float)c.Real("eps", 1e-5))
            )
        );
    }

    private static void Layer(OperatorContext c)
    {
        var shape = c.Integers("normalized_shape");
        var epsilon = c.Real("eps", 1e-5);
        var count = shape.Aggregate(1L, (a, b) => a * b);
        if (c.Opset >= LayerNormOpset)
        {
            var scale = c.Has("weight") ? c.In("weight") : Filled(c, shape, count, 1);
            string[] inputs = c.Has("bias") ? [c.In("input"), scale, c.In("bias")] : [c.In("input"), scale];
            c.Set(c.Node("LayerNormalization", inputs, ("axis", -(long)shape.Length), ("epsilon", (float)epsilon)));
            return;
        }
        long[] axes = [.. Enumerable.Range(1, shape.Length).Select(i => -(long)i)];
        var centred = c.Node("Sub", [c.In("input"), Reductions.Reduce(c, "ReduceMean", c.In("input"), axes, true)]);
        var variance = Reductions.Reduce(c, "ReduceMean", c.Node("Mul", [centred, centred]), axes, true);
        var deviation = c.Node("Sqrt", [c.Node("Add", [variance, c.Writer.Scalar(c.OutType(), epsilon)])]);
        c.Set(Affine(c, c.Node("Div", [centred, deviation]), name => c.In(name)));
    }

    // As many instances as groups; ONNX's own group norm is younger than most readers.
    private static void Group(OperatorContext c)
    {
        var groups = c.Integer("num_groups");
        var joined = c.Node("Reshape", [c.In("input"), c.Writer.Integers(0, groups, -1)]);
        var normed = c.Node(
            "InstanceNormalization",
            [joined, Filled(c, [groups], groups, 1), Filled(c, [groups], groups, 0)],
            ("epsilon", (float)c.Real("eps", 1e-5))
        );
        var parted = c.Node("Reshape", [normed, c.Node("Shape", [c.In("input")])]);
        var shape = c.Writer.Integers([-1, .. Enumerable.Repeat(1L, c.Rank("input") - 2)]);
        c.Set(Affine(c, parted, name => c.Node("Reshape", [c.In(name), shape])));
    }

    private static void Instance(OperatorContext c)
    {
        if (!c.Flag("use_input_stats", true))
            throw c.NoForm("it uses running statistics");
        var channels = c.Shape("input")[1];
        c.Set(
            c.Node(
                "InstanceNormalization",
                [c.In("input"), Each(c, "weight", channels, 1), Each(c, "bias", channels, 0)],
                ("epsilon", (float)c.Real("eps", 1e-5))
            )
        );
    }

    private static string Affine(OperatorContext c, string value, Func<string, string> weight)
    {
        if (c.Has("weight"))
            value = c.Node("Mul", [value, weight("weight")]);
        return c.Has("bias") ? c.Node("Add", [value, weight("bias")]) : value;
    }

    private static string Each(OperatorContext c, string argument, long channels, float otherwise) =>
        c.Has(argument) ? c.In(argument) : Filled(c, [channels], channels, otherwise);

    private static string Filled(OperatorContext c, long[] shape, long count, float value)
    {
        var values = new float[count];
        Array.Fill(values, value);
        return c.Writer.Constant(OnnxType.Float, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
    }
}
