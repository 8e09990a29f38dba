namespace Tessera.Onnx.Operators;

/// <summary>Convolutions.</summary>
internal static class Convolutions
{
    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        foreach (var name in (string[])["conv1d", "conv2d", "conv3d"])
            add(name, c => Plain(c, "input"));
        add("convolution", Any);
        add("_convolution", Any);
        foreach (var name in (string[])["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"])
            add(name, Transposed);
        add("im2col", Columns);
    }

    private static void Any(OperatorContext c)
    {
        if (c.Flag("transposed"))
            Transposed(c);
        else
            Plain(c, "input");
    }

    private static void Plain(OperatorContext c, string input)
    {
        var axes = c.Rank("weight") - 2;
        var kernel = c.Shape("weight").Skip(2).ToArray();
        var dilations = Each(c.Integers("dilation"), axes);
        var attributes = new List<(string, object)>
        {
            ("kernel_shape", kernel),
            ("strides", Each(c.Integers("stride"), axes)),
            ("dilations", dilations),
            ("group", c.Integer("groups", 1)),
            ("pads", Padding(c, kernel, dilations)),
        };
        c.Set(c.Node("Conv", Inputs(c, input), [.. attributes]));
    }

    private static void Transposed(OperatorContext c)
    {
        var axes = c.Rank("weight") - 2;
        var padding = Each(c.Integers("padding"), axes);
        c.Set(
            c.Node(
                "ConvTranspose",
                Inputs(c, "input"),
                ("kernel_shape", c.Shape("weight").Skip(2).ToArray()),
                ("strides", Each(c.Integers("stride"), axes)),
                ("dilations", Each(c.Integers("dilation"), axes)),
                ("group", c.Integer("groups", 1)),
                ("pads", (long[])[.. padding, .. padding]),
                ("output_padding", Each(c.Integers("output_padding"), axes))
            )
        );
    }

    // Every patch as a column: a convolution whose weights pick one pixel each.
    private static void Columns(OperatorContext c)
    {
        var (kernel, channels) = (Each(c.Integers("kernel_size"), 2), c.Shape("self")[^3]);
        if (c.Rank("self") != 4)
            throw c.NoForm("it is given no batch");
        var size = kernel[0] * kernel[1];
        var picks = new float[channels * size * size];
        for (var i = 0; i < channels * size; i++)
            picks[(i * size) + (i % size)] = 1;
        var weight = c.Writer.Constant(
            Format.OnnxType.Float,
            [channels * size, 1, kernel[0], kernel[1]],
            System.Runtime.InteropServices.MemoryMarshal.AsBytes(picks.AsSpan()).ToArray()
        );
        var padding = Each(c.Integers("padding"), 2);
        var maps = c.Node(
            "Conv",
            [c.In("self"), weight],
            ("kernel_shape", kernel),
            ("strides", Each(c.Integers("stride"), 2)),
            ("dilations", Each(c.Integers("dilation"), 2)),
            ("group", channels),
            ("pads", (long[])[.. padding, .. padding])
        );
        c.Set(c.Node("Reshape", [maps, c.Writer.Integers(0, channels * size, -1)]));
    }

    private static string[] Inputs(OperatorContext c, string input) =>
        c.Has("bias") ? [c.In(input), c.In("weight"), c.In("bias")] : [c.In(input), c.In("weight")];

    private static long[] Padding(OperatorContext c, long[] kernel, long[] dilations)
    {
        if (c.Text("padding") is not { } word)
        {
            var padding = Each(c.Integers("padding"), kernel.Length);
            return [.. padding, .. padding];
        }
        if (word == "valid")
            return new long[2 * kernel.Length];
        var total = kernel.Select((side, i) => dilations[i] * (side - 1)).ToArray();
        return [.. total.Select(sum => sum / 2), .. total.Select(sum => sum - (sum / 2))];
    }

    /// <summary>One number stands for all axes.</summary>
    internal static long[] Each(long[] numbers, int axes) => numbers.Length == 1 ? [.. Enumerable.Repeat(numbers[0], axes)] : numbers;
}
