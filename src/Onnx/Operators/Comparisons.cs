using Tessera.Onnx.Format;

namespace Tessera.Onnx.Operators;

/// <summary>Comparisons and logic.</summary>
internal static class Comparisons
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("eq", c => c.Set(Compared(c, "Equal")));
        add("ne", c => c.Set(c.Node("Not", [Compared(c, "Equal")])));
        add("lt", c => c.Set(Compared(c, "Less")));
        add("le", c => c.Set(Compared(c, "LessOrEqual")));
        add("gt", c => c.Set(Compared(c, "Greater")));
        add("ge", c => c.Set(Compared(c, "GreaterOrEqual")));
        add("isnan", c => c.Set(c.Node("IsNaN", [c.In("self")])));
        add("isinf", c => c.Set(c.Node("IsInf", [c.In("self", OnnxType.Float)])));
        add("logical_not", c => c.Set(c.Node("Not", [c.In("self", OnnxType.Bool)])));
        foreach (var (aten, onnx) in (ReadOnlySpan<(string, string)>)[("and", "And"), ("or", "Or"), ("xor", "Xor")])
        {
            add($"logical_{aten}", c => c.Set(c.Node(onnx, [c.In("self", OnnxType.Bool), c.In("other", OnnxType.Bool)])));
            add($"bitwise_{aten}", c => c.Set(Bitwise(c, onnx)));
            add($"__{aten}__", c => c.Set(Bitwise(c, onnx)));
        }
        add("bitwise_not", c => c.Set(c.OutType() == OnnxType.Bool ? c.Node("Not", [c.In("self")]) : throw c.NoForm("it turns bits")));
    }

    private static string Bitwise(OperatorContext c, string onnx) =>
        c.OutType() == OnnxType.Bool
            ? c.Node(onnx, [c.In("self", OnnxType.Bool), c.In("other", OnnxType.Bool)])
            : throw c.NoForm("it works on bits of numbers");

    private static string Compared(OperatorContext c, string onnx)
    {
        var type = Promoted(c);
        if (type == OnnxType.Bool)
            type = onnx == "Equal" ? OnnxType.Bool : OnnxType.Int32;
        if (type is OnnxType.UInt8 or OnnxType.Int8 or OnnxType.Int16)
            type = OnnxType.Int32; // runtimes compare few types
        return c.Node(onnx, [c.In("self", type), c.In("other", type)]);
    }

    // A number without tensor widens a tensor's type only from whole to fractions.
    private static OnnxType Promoted(OperatorContext c)
    {
        var self = c.Type("self");
        if (!c.IsTensor("other"))
            return c.IsReal("other") && !self.IsFloating() ? OnnxType.Float
                : self == OnnxType.Bool ? OnnxType.Int64
                : self;
        var other = c.Type("other");
        return self.Rank() >= other.Rank() ? self : other;
    }
}
