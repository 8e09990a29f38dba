namespace Tessera.Onnx.Operators;

/// <summary>Activation functions.</summary>
internal static class Activations
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("relu", c => c.Set(c.Node("Relu", [c.In("self")])));
        add("sigmoid", c => c.Set(c.Node("Sigmoid", [c.In("self", c.OutType())])));
        add("tanh", c => c.Set(c.Node("Tanh", [c.In("self", c.OutType())])));
        add("silu", c => c.Set(c.Node("Mul", [c.In("self"), c.Node("Sigmoid", [c.In("self")])])));
        add("mish", c => c.Set(c.Node("Mul", [c.In("self"), c.Node("Tanh", [c.Node("Softplus", [c.In("self")])])])));
        add("hardtanh", c => c.Set(Between(c, c.Real("min_val", -1), c.Real("max_val", 1))));
        add("relu6", c => c.Set(Between(c, 0, 6)));
        add("leaky_relu", c => c.Set(c.Node("LeakyRelu", [c.In("self")], ("alpha", (float)c.Real("negative_slope", 0.01)))));
        add("elu", Elu);
        add("prelu", Prelu);
        add("softplus", Softplus);
        add("hardsigmoid", c => c.Set(HardSigmoid(c)));
        add("hardswish", c => c.Set(c.Node("Mul", [c.In("self"), HardSigmoid(c)])));
        add("gelu", c => c.Set(c.Text("approximate") == "tanh" ? GeluByTanh(c) : Gelu(c)));
        add("softmax", c => c.Set(Softmax(c, "Softmax")));
        add("_softmax", c => c.Set(Softmax(c, "Softmax")));
        add("special_softmax", c => c.Set(Softmax(c, "Softmax")));
        add("special_log_softmax", c => c.Set(Softmax(c, "LogSoftmax")));
        add("log_softmax", c => c.Set(Softmax(c, "LogSoftmax")));
        add("_log_softmax", c => c.Set(Softmax(c, "LogSoftmax")));
        add("log_sigmoid", c => c.Set(c.Node("Log", [c.Node("Sigmoid", [c.In("self")])])));
    }

    private static string Between(OperatorContext c, double least, double most) =>
        c.Node("Clip", [c.In("self"), c.Writer.Scalar(c.OutType(), least), c.Writer.Scalar(c.OutType(), most)]);

    private static void Elu(OperatorContext c)
    {
        if (c.Real("scale", 1) != 1 || c.Real("input_scale", 1) != 1)
            throw c.NoForm("it is scaled");
        c.Set(c.Node("Elu", [c.In("self")], ("alpha", (float)c.Real("alpha", 1))));
    }

    // One slope, or one for each channel, which lies at axis 1.
    private static void Prelu(OperatorContext c)
    {
        var slope = c.In("weight");
        if (c.Shape("weight").Aggregate(1L, (a, b) => a * b) > 1 && c.Rank("self") > 2)
            slope = c.Node("Reshape", [slope, c.Writer.Integers([-1, .. Enumerable.Repeat(1L, c.Rank("self") - 2)])]);
        c.Set(c.Node("PRelu", [c.In("self"), slope]));
    }

    private static void Softplus(OperatorContext c)
    {
        var (beta, value) = (c.Real("beta", 1), c.In("self"));
        if (beta == 1)
        {
            c.Set(c.Node("Softplus", [value]));
            return;
        }
        var factor = c.Writer.Scalar(c.OutType(), beta);
        c.Set(c.Node("Div", [c.Node("Softplus", [c.Node("Mul", [value, factor])]), factor]));
    }

    private static string HardSigmoid(OperatorContext c) => c.Node("HardSigmoid", [c.In("self")], ("alpha", 1f / 6), ("beta", 0.5f));

    // x / 2 (1 + erf(x / √2)), in the form that runtimes know as one operation.
    private static string Gelu(OperatorContext c)
    {
        var (x, type) = (c.In("self"), c.OutType());
        if (c.Opset >= 20)
            return c.Node("Gelu", [x]);
        var erf = c.Node("Erf", [c.Node("Div", [x, c.Writer.Scalar(type, Math.Sqrt(2))])]);
        var sum = c.Node("Add", [erf, c.Writer.Scalar(type, 1)]);
        return c.Node("Mul", [c.Node("Mul", [x, sum]), c.Writer.Scalar(type, 0.5)]);
    }

    // x / 2 (1 + tanh(√(2/π) (x + 0.044715 x³)))
    private static string GeluByTanh(OperatorContext c)
    {
        var (x, type) = (c.In("self"), c.OutType());
        if (c.Opset >= 20)
            return c.Node("Gelu", [x], ("approximate", "tanh"));
        var cube = c.Node("Mul", [c.Node("Mul", [x, x]), x]);
        var inner = c.Node("Add", [x, c.Node("Mul", [cube, c.Writer.Scalar(type, 0.044715)])]);
        var tanh = c.Node("Tanh", [c.Node("Mul", [inner, c.Writer.Scalar(type, Math.Sqrt(2 / Math.PI))])]);
        return c.Node("Mul", [c.Node("Mul", [x, c.Node("Add", [tanh, c.Writer.Scalar(type, 1)])]), c.Writer.Scalar(type, 0.5)]);
    }

    private static string Softmax(OperatorContext c, string operation) =>
        c.Node(operation, [c.In("self", c.OutType())], ("axis", c.Axis("dim", c.Rank("self"))));
}
