using Tessera.Onnx.Format;

namespace Tessera.Onnx.Operators;

/// <summary>Maps in another size, and values between pixels.</summary>
internal static class Sampling
{
    private const int AntialiasOpset = 18;

    public static void Register(Action<string, Action<OperatorContext>> add)
    {
        add("upsample_bilinear2d", c => Resized(c, "linear", false));
        add("upsample_linear1d", c => Resized(c, "linear", false));
        add("upsample_nearest2d", c => Resized(c, "nearest", false));
        add("upsample_nearest1d", c => Resized(c, "nearest", false));
        add("upsample_bicubic2d", c => Resized(c, "cubic", false));
        add("_upsample_bilinear2d_aa", c => Resized(c, "linear", true));
        add("_upsample_bicubic2d_aa", c => Resized(c, "cubic", true));
        add("grid_sampler", Sampled);
        add("grid_sampler_2d", Sampled);
    }

    private static void Resized(OperatorContext c, string mode, bool antialias)
    {
        var value = c.Inputs[0];
        var attributes = new List<(string, object)> { ("mode", mode) };
        if (mode == "nearest")
            attributes.AddRange([("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor")]);
        else
            attributes.Add(("coordinate_transformation_mode", c.Flag("align_corners") ? "align_corners" : "half_pixel"));
        if (mode == "cubic")
            attributes.Add(("cubic_coeff_a", antialias ? -0.5f : -0.75f));
        if (antialias)
        {
            c.NeedsOpset(AntialiasOpset);
            attributes.Add(("antialias", 1L));
            attributes.Add(("exclude_outside", 1L)); // pixels outside the map have no weight
        }
        var axes = value.Shape.Count - 2;
        var scales = Scales(c, axes);
        if (scales.Length > 0 && !c.Flag("align_corners"))
        {
            float[] all = [1, 1, .. scales.Select(scale => (float)scale)];
            c.Set(c.Node("Resize", [c.In(value), "", c.Writer.Floats(all)], [.. attributes]));
            return;
        }
        c.Set(c.Node("Resize", [c.In(value), "", "", c.Sides(c.Output())], [.. attributes]));
    }

    // Where the program gave a factor, places are computed by it, not by the sizes' quotient.
    private static double[] Scales(OperatorContext c, int axes)
    {
        if (c.Has("scale_factors"))
            return c.Reals("scale_factors");
        if (c.Has("scales_h") && c.Has("scales_w"))
            return [c.Real("scales_h"), c.Real("scales_w")];
        return axes == 1 && c.Has("scales") ? [c.Real("scales")] : [];
    }

    private static void Sampled(OperatorContext c)
    {
        c.NeedsOpset(16);
        var mode = c.Integer("interpolation_mode") switch
        {
            0 => c.Opset >= 20 ? "linear" : "bilinear",
            1 => "nearest",
            _ => c.Opset >= 20 ? "cubic" : "bicubic",
        };
        var padding = c.Integer("padding_mode") switch
        {
            0 => "zeros",
            1 => "border",
            _ => "reflection",
        };
        c.Set(
            c.Node(
                "GridSample",
                [c.In("input"), c.In("grid", OnnxType.Float)],
                ("mode", mode),
                ("padding_mode", padding),
                ("align_corners", c.Flag("align_corners") ? 1L : 0)
            )
        );
    }
}
