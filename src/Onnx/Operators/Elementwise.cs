using Tessera.Onnx.Format;

namespace Tessera.Onnx.Operators;

/// <summary>Arithmetic of single numbers.</summary>
internal static class Elementwise
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        foreach (
            var (aten, onnx) in (ReadOnlySpan<(string, string)>)
                [
                    ("exp", "Exp"),
                    ("log", "Log"),
                    ("sqrt", "Sqrt"),
                    ("neg", "Neg"),
                    ("abs", "Abs"),
                    ("erf", "Erf"),
                    ("sin", "Sin"),
                    ("cos", "Cos"),
                    ("tan", "Tan"),
                    ("atan", "Atan"),
                    ("floor", "Floor"),
                    ("ceil", "Ceil"),
                    ("round", "Round"),
                    ("sign", "Sign"),
                    ("reciprocal", "Reciprocal"),
                ]
        )
            add(aten, c => c.Set(c.Node(onnx, [c.In("self", c.OutType())])));
        add("rsqrt", c => c.Set(c.Node("Reciprocal", [c.Node("Sqrt", [c.In("self", c.OutType())])])));
        add("square", c => c.Set(c.Node("Mul", [c.In("self"), c.In("self")])));
        add("log1p", c => c.Set(c.Node("Log", [c.Node("Add", [c.In("self", c.OutType()), c.Writer.Scalar(c.OutType(), 1)])])));
        add("expm1", c => c.Set(c.Node("Sub", [c.Node("Exp", [c.In("self", c.OutType())]), c.Writer.Scalar(c.OutType(), 1)])));
        add("add", c => c.Set(Sum(c, "Add", "self", "other")));
        add("sub", c => c.Set(Sum(c, "Sub", "self", "other")));
        add("rsub", c => c.Set(c.Node("Sub", [c.In("other", c.OutType()), Scaled(c, "self")])));
        add("mul", c => c.Set(Multiplied(c)));
        add("div", c => c.Set(Divided(c, c.Text("rounding_mode"))));
        add("true_divide", c => c.Set(Divided(c, null)));
        add("floor_divide", c => c.Set(Divided(c, "floor")));
        add("remainder", c => c.Set(Remainder(c)));
        add("fmod", c => c.Set(c.Node("Mod", [c.In("self", c.OutType()), c.In("other", c.OutType())], ("fmod", 1L))));
        add("pow", c => c.Set(c.Node("Pow", [c.In("self", c.OutType()), c.In("exponent", c.OutType())])));
        add("maximum", c => c.Set(c.Node("Max", [c.In("self", c.OutType()), c.In("other", c.OutType())])));
        add("logaddexp", c => c.Set(LogOfSum(c)));
        add("minimum", c => c.Set(c.Node("Min", [c.In("self", c.OutType()), c.In("other", c.OutType())])));
        add("clamp", c => c.Set(Clamped(c, "min", "max")));
        add("clip", c => c.Set(Clamped(c, "min", "max")));
        add("clamp_min", c => c.Set(Clamped(c, "min", null)));
        add("clamp_max", c => c.Set(Clamped(c, null, "max")));
        add(
            "where",
            c => c.Set(c.Node("Where", [c.In("condition", OnnxType.Bool), c.In("self", c.OutType()), c.In("other", c.OutType())]))
        );
        add("masked_fill", c => c.Set(c.Node("Where", [c.In("mask", OnnxType.Bool), c.In("value", c.OutType()), c.In("self")])));
        add("lerp", Lerp);
        add("addcmul", c => c.Set(Combined(c, "Mul")));
        add("addcdiv", c => c.Set(Combined(c, "Div")));
    }

    // self + alpha * other
    private static string Sum(OperatorContext c, string operation, string first, string second) =>
        c.Node(operation, [c.In(first, c.OutType()), Scaled(c, second)]);

    private static string Scaled(OperatorContext c, string argument)
    {
        var value = c.In(argument, c.OutType());
        var alpha = c.Real("alpha", 1);
        return alpha == 1 ? value : c.Node("Mul", [value, c.Writer.Scalar(c.OutType(), alpha)]);
    }

    // log(e^a + e^b) = max(a, b) + log(1 + e^-|a - b|); where both are equal, infinities included, a + log 2.
    private static string LogOfSum(OperatorContext c)
    {
        var (type, a, b) = (c.OutType(), c.In("self", c.OutType()), c.In("other", c.OutType()));
        var below = c.Node("Exp", [c.Node("Neg", [c.Node("Abs", [c.Node("Sub", [a, b])])])]);
        var sum = c.Node("Add", [c.Node("Max", [a, b]), c.Node("Log", [c.Node("Add", [below, c.Writer.Scalar(type, 1)])])]);
        return c.Node("Where", [c.Node("Equal", [a, b]), c.Node("Add", [a, c.Writer.Scalar(type, Math.Log(2))]), sum]);
    }

    private static string Multiplied(OperatorContext c)
    {
        if (c.OutType() == OnnxType.Bool)
            return c.Node("And", [c.In("self", OnnxType.Bool), c.In("other", OnnxType.Bool)]);
        return c.Node("Mul", [c.In("self", c.OutType()), c.In("other", c.OutType())]);
    }

    private static string Divided(OperatorContext c, string? rounding)
    {
        var type = c.OutType();
        var quotient = c.Node("Div", [c.In("self", type), c.In("other", type)]);
        if (rounding is null || (!type.IsFloating() && rounding == "trunc"))
            return quotient;
        if (type.IsFloating())
            return rounding == "floor" ? c.Node("Floor", [quotient]) : throw c.NoForm("it cuts off fractions");
        // ONNX's division of whole numbers rounds towards zero: one less where signs differ and something is left.
        var rest = c.Node("Mod", [c.In("self", type), c.In("other", type)]); // of the divisor's sign
        return c.Node("Div", [c.Node("Sub", [c.In("self", type), rest]), c.In("other", type)]);
    }

    private static string Remainder(OperatorContext c)
    {
        var type = c.OutType();
        var (self, other) = (c.In("self", type), c.In("other", type));
        if (!type.IsFloating())
            return c.Node("Mod", [self, other]);
        return c.Node("Sub", [self, c.Node("Mul", [c.Node("Floor", [c.Node("Div", [self, other])]), other])]);
    }

    private static string Clamped(OperatorContext c, string? least, string? most)
    {
        var value = c.In("self", c.OutType());
        if (least is not null && c.Has(least))
            value = c.Node("Max", [value, c.In(least, c.OutType())]);
        if (most is not null && c.Has(most))
            value = c.Node("Min", [value, c.In(most, c.OutType())]);
        return value;
    }

    private static void Lerp(OperatorContext c)
    {
        var step = c.Node("Sub", [c.In("end"), c.In("self")]);
        c.Set(c.Node("Add", [c.In("self"), c.Node("Mul", [step, c.In("weight", c.OutType())])]));
    }

    private static string Combined(OperatorContext c, string operation)
    {
        var both = c.Node(operation, [c.In("tensor1", c.OutType()), c.In("tensor2", c.OutType())]);
        return c.Node("Add", [c.In("self"), c.Node("Mul", [both, c.Writer.Scalar(c.OutType(), c.Real("value", 1))])]);
    }
}
