using System.Runtime.InteropServices;
using Tessera.Onnx.Format;
using Tessera.Onnx.Recording;

namespace Tessera.Onnx.Operators;

/// <summary>Pooling.</summary>
internal static class Pooling
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        for (var axes = 1; axes <= 3; axes++)
        {
            var count = axes;
            add($"max_pool{axes}d", c => c.Set(Max(c, count)));
            add($"avg_pool{axes}d", c => c.Set(Average(c, count)));
        }
        add("adaptive_avg_pool1d", c => c.Set(AdaptiveAverage(c, 1)));
        add("adaptive_avg_pool2d", c => c.Set(AdaptiveAverage(c, 2)));
        add("adaptive_max_pool2d", AdaptiveMax);
    }

    private static string Max(OperatorContext c, int axes)
    {
        var kernel = Convolutions.Each(c.Integers("kernel_size"), axes);
        return c.Node(
            "MaxPool",
            [c.In("self")],
            [.. Window(c, axes, kernel), ("dilations", Convolutions.Each(c.Integers("dilation"), axes))]
        );
    }

    private static string Average(OperatorContext c, int axes)
    {
        if (c.Has("divisor_override"))
            throw c.NoForm("its divisor is given");
        var kernel = Convolutions.Each(c.Integers("kernel_size"), axes);
        return c.Node(
            "AveragePool",
            [c.In("self")],
            [.. Window(c, axes, kernel), ("count_include_pad", c.Flag("count_include_pad", true) ? 1L : 0)]
        );
    }

    private static (string, object)[] Window(OperatorContext c, int axes, long[] kernel)
    {
        var stride = c.Integers("stride");
        var padding = Convolutions.Each(c.Integers("padding"), axes);
        return
        [
            ("kernel_shape", kernel),
            ("strides", stride.Length == 0 ? kernel : Convolutions.Each(stride, axes)),
            ("pads", (long[])[.. padding, .. padding]),
            ("ceil_mode", c.Flag("ceil_mode") ? 1L : 0),
        ];
    }

    // The mean of cells whose borders are rounded outwards: a product with a matrix along each side, unless all cells are alike.
    private static string AdaptiveAverage(OperatorContext c, int axes)
    {
        var (value, output) = (c.Value("self"), c.Output());
        var rank = value.Shape.Count;
        if (output.Shape.Skip(rank - axes).All(side => side == 1))
            return c.Node("GlobalAveragePool", [c.In(value)]);
        if (Cells(c, axes) is { } kernel)
            return c.Node("AveragePool", [c.In(value)], ("kernel_shape", kernel), ("strides", kernel));
        var pooled = c.In(value);
        for (var axis = rank - axes; axis < rank; axis++)
        {
            if (!c.IsFixed(value, axis))
                throw ExportErrors.DependsOnSize(c.Place, "what is averaged into each cell");
            var (from, to) = ((int)value.Shape[axis], (int)output.Shape[axis]);
            pooled =
                axis == rank - 1
                    ? c.Node("MatMul", [pooled, Means(c, from, to, columns: true)])
                    : c.Node("MatMul", [Means(c, from, to, columns: false), pooled]);
        }
        return pooled;
    }

    private static void AdaptiveMax(OperatorContext c)
    {
        var value = c.Value("self");
        if (c.Output().Shape.Skip(value.Shape.Count - 2).All(side => side == 1))
            c.Set(c.Node("GlobalMaxPool", [c.In(value)]));
        else if (Cells(c, 2) is { } kernel)
            c.Set(c.Node("MaxPool", [c.In(value)], ("kernel_shape", kernel), ("strides", kernel)));
        else
            throw c.NoForm("its cells are not of one size");
    }

    /// <summary>The size of every cell, where all are alike; null where they aren't.</summary>
    private static long[]? Cells(OperatorContext c, int axes)
    {
        var (value, output) = (c.Value("self"), c.Output());
        var kernel = new long[axes];
        for (var i = 0; i < axes; i++)
        {
            var axis = value.Shape.Count - axes + i;
            var (from, to) = (c.Lengths(value, axis), c.Lengths(output, axis));
            kernel[i] = from[0] / to[0];
            for (var program = 0; program < from.Length; program++)
                if (from[program] != kernel[i] * to[program])
                    return null;
        }
        return kernel;
    }

    private static string Means(OperatorContext c, int from, int to, bool columns)
    {
        var weights = new float[from * to];
        for (var cell = 0; cell < to; cell++)
        {
            var (begin, end) = (cell * from / to, ((((cell + 1) * from) + to - 1) / to));
            for (var i = begin; i < end; i++)
                weights[columns ? (i * to) + cell : (cell * from) + i] = 1f / (end - begin);
        }
        return c.Writer.Constant(OnnxType.Float, columns ? [from, to] : [to, from], MemoryMarshal.AsBytes(weights.AsSpan()).ToArray());
    }
}
