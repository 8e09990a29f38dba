using Tessera.Onnx.Format;

namespace Tessera.Onnx.Operators;

/// <summary>New tensors: only those whose size depends on the images' are ever written, all others are constants.</summary>
internal static class Creation
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        foreach (var name in (string[])["zeros", "zeros_like", "new_zeros", "empty", "empty_like", "new_empty", "zero"])
            add(name, c => c.Set(Filled(c, c.Writer.Scalar(c.OutType(), 0))));
        foreach (var name in (string[])["ones", "ones_like", "new_ones"])
            add(name, c => c.Set(Filled(c, c.Writer.Scalar(c.OutType(), 1))));
        add("full", c => c.Set(Filled(c, c.In("fill_value", c.OutType()))));
        add("full_like", c => c.Set(Filled(c, c.In("fill_value", c.OutType()))));
        add("new_full", c => c.Set(Filled(c, c.In("fill_value", c.OutType()))));
        add("fill", c => c.Set(Filled(c, c.In("value", c.OutType()))));
        add("scalar_tensor", c => c.Set(c.In("s", c.OutType())));
        add("arange", Range);
    }

    private static string Filled(OperatorContext c, string value) =>
        c.Output().Shape.Count == 0 ? value : c.Node("Expand", [value, c.Sides(c.Output())]);

    private static void Range(OperatorContext c)
    {
        var type = c.OutType();
        var count = c.Writer.Node("", "Squeeze", [c.Number(c.Lengths(c.Output(), 0))]);
        var numbers = c.Writer.Cast("", c.Node("Range", [c.Writer.Integer(0), count, c.Writer.Integer(1)]), type);
        var (start, step) = (c.Has("start") ? c.In("start", type) : c.Writer.Scalar(type, 0), c.Has("step") ? c.Real("step", 1) : 1);
        if (step != 1)
            numbers = c.Node("Mul", [numbers, c.Writer.Scalar(type, step)]);
        c.Set(c.Node("Add", [numbers, start]));
    }
}
