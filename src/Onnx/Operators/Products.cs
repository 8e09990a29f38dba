using Tessera.Onnx.Format;
using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>Matrix products, and attention, which is made of them.</summary>
internal static class Products
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("linear", Linear);
        add("matmul", c => c.Set(c.Node("MatMul", [c.In("self"), c.In("other")])));
        add("mm", c => c.Set(c.Node("MatMul", [c.In("self"), c.In("mat2")])));
        add("bmm", c => c.Set(c.Node("MatMul", [c.In("self"), c.In("mat2")])));
        add("mv", c => c.Set(c.Node("MatMul", [c.In("self"), c.In("vec")])));
        add("dot", c => c.Set(c.Node("MatMul", [c.In("self"), c.In("tensor")])));
        add("addmm", c => c.Set(Added(c, "mat1", "mat2")));
        add("baddbmm", c => c.Set(Added(c, "batch1", "batch2")));
        add("outer", Outer);
        add("einsum", Einsum);
        add("scaled_dot_product_attention", Attention);
    }

    private static void Linear(OperatorContext c)
    {
        var bias = c.Has("bias");
        if (c.Rank("input") == 2)
        {
            string[] inputs = bias ? [c.In("input"), c.In("weight"), c.In("bias")] : [c.In("input"), c.In("weight")];
            c.Set(c.Node("Gemm", inputs, ("transB", 1L)));
            return;
        }
        // The weight keeps the model's form and name; runtimes turn constants once.
        var turned = c.Rank("weight") == 2 ? c.Node("Transpose", [c.In("weight")], ("perm", new long[] { 1, 0 })) : c.In("weight");
        var product = c.Node("MatMul", [c.In("input"), turned]);
        c.Set(bias ? c.Node("Add", [product, c.In("bias")]) : product);
    }

    // beta self + alpha a b
    private static string Added(OperatorContext c, string a, string b)
    {
        var product = c.Node("MatMul", [c.In(a), c.In(b)]);
        if (c.Real("alpha", 1) is not 1 and var alpha)
            product = c.Node("Mul", [product, c.Writer.Scalar(c.OutType(), alpha)]);
        var beta = c.Real("beta", 1);
        if (beta == 0)
            return product;
        var self = beta == 1 ? c.In("self") : c.Node("Mul", [c.In("self"), c.Writer.Scalar(c.OutType(), beta)]);
        return c.Node("Add", [product, self]);
    }

    private static void Outer(OperatorContext c)
    {
        var (column, row) = (c.Writer.Integers(-1, 1), c.Writer.Integers(1, -1));
        var a = c.Node("Reshape", [c.In("self", c.OutType()), column]);
        c.Set(c.Node("Mul", [a, c.Node("Reshape", [c.In("vec2", c.OutType()), row])]));
    }

    private static void Einsum(OperatorContext c)
    {
        var equation = c.Text("equation") ?? throw c.NoForm("its equation isn't told");
        var operands = c.Values("tensors").OfType<RecordedValue>().Select(c.In).ToArray();
        c.Set(c.Node("Einsum", operands, ("equation", equation.Replace(" ", "", StringComparison.Ordinal))));
    }

    // softmax(q kᵀ scale + mask) v
    private static void Attention(OperatorContext c)
    {
        if (c.Flag("is_causal") || c.Real("dropout_p") != 0)
            throw c.NoForm("its attention is causal or drops weights");
        if (c.Flag("enable_gqa"))
            throw c.NoForm("its heads share keys");
        var (type, rank) = (c.OutType(), c.Rank("key"));
        var scale = c.Has("scale") ? c.Real("scale") : 1 / Math.Sqrt(c.Shape("query")[^1]);
        var query = c.Node("Mul", [c.In("query"), c.Writer.Scalar(type, scale)]);
        long[] order = [.. Enumerable.Range(0, rank - 2).Select(axis => (long)axis), rank - 1, rank - 2];
        var logits = c.Node("MatMul", [query, c.Node("Transpose", [c.In("key")], ("perm", order))]);
        if (c.Has("attn_mask"))
            logits =
                c.Type("attn_mask") == OnnxType.Bool
                    ? c.Node("Where", [c.In("attn_mask"), logits, c.Writer.Scalar(type, double.NegativeInfinity)])
                    : c.Node("Add", [logits, c.In("attn_mask", type)]);
        c.Set(c.Node("MatMul", [c.Node("Softmax", [logits], ("axis", -1L)), c.In("value")]));
    }
}
