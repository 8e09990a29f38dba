using System.Text.Json;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;

namespace Tessera.Onnx.Export;

/// <summary>The pipeline's steps within the graph: pixels of any size become the model's input.</summary>
/// <remarks>Steps that tensors can do: Resize, CenterCrop, Normalize, and LoadImage, which is the caller's. Others are refused by
/// name.</remarks>
internal sealed class PixelInput(GraphWriter writer)
{
    private const string Place = "preprocessing";
    private const int AntialiasOpset = 18;

    private string _value = "";
    private (int Height, int Width)? _size; // null: as the image has it
    private bool _floats;

    /// <param name="pixels">Uint8 [B, H, W, 3], RGB.</param>
    /// <param name="config">With the pipeline of the data that the model was tested on.</param>
    /// <returns>Float [B, 3, H, W]; its size, where it is the same for all images.</returns>
    public (string Value, (int Height, int Width)? Size) Write(string pixels, ConfigDocument config)
    {
        _value = Node("Transpose", [pixels], ("perm", new long[] { 0, 3, 1, 2 }));
        using var steps = JsonDocument.Parse(Pipeline(config).ToString());
        foreach (var step in steps.RootElement.EnumerateArray())
            Step(step.GetProperty("type").GetString()!, step);
        if (!_floats)
            _value = writer.Cast(Place, _value, OnnxType.Float);
        return (_value, _size);
    }

    private static ConfigNode Pipeline(ConfigDocument config) =>
        new[] { "test", "val", "train" }.Select(part => config.Find($"{part}.dataset.pipeline")).FirstOrDefault(node => node is ConfigList)
        ?? throw new UserErrorException("The config has no pipeline, so it is unknown how pixels become the model's input.");

    private void Step(string type, JsonElement step)
    {
        switch (type)
        {
            case "LoadImage":
                if (Word(step, "color_type") is { } colors && colors != "color")
                    throw Refused(type, $"color_type {colors}");
                break;
            case "LoadAnnotations" or "LoadSegmentation" or "LoadBoxes" or "FilterBoxes":
                break;
            case "ToFloat":
                throw Refused(type, "pixels as fractions");
            case "Resize":
                Resize(step);
                break;
            case "CenterCrop":
                Crop(step);
                break;
            case "Normalize":
                Normalize(step);
                break;
            default:
                throw Refused(type, null);
        }
    }

    private static UserErrorException Refused(string type, string? with) =>
        new(
            $"The pipeline's step {type}{(with is null ? "" : $" with {with}")} can't be done within the file. Export without "
                + "pre-processing: whoever loads the file with OnnxPredictor gets the whole pipeline all the same."
        );

    private void Resize(JsonElement step)
    {
        if (_floats)
            throw Refused("Resize", "floats");
        var antialias = !step.TryGetProperty("antialias", out var smooth) || smooth.GetBoolean();
        var opencv = Word(step, "backend") == "opencv";
        var filter = Word(step, "interpolation") ?? "bilinear";
        if (filter is not ("bilinear" or "bicubic" or "nearest") || (opencv && filter != "bilinear"))
            throw Refused("Resize", $"interpolation {filter}");
        if (step.TryGetProperty("keep_ratio", out var keep) && keep.GetBoolean())
            throw Refused("Resize", "keep_ratio");
        var sizes = Sizes(step);
        var attributes = new List<(string, object)>
        {
            (
                "mode",
                filter switch
                {
                    "bilinear" => "linear",
                    "bicubic" => "cubic",
                    _ => "nearest",
                }
            ),
            ("coordinate_transformation_mode", "half_pixel"),
        };
        if (antialias && !opencv && filter != "nearest")
        {
            if (writer.Opset < AntialiasOpset)
                throw new UserErrorException(
                    $"The pipeline's step Resize smooths what it shrinks, which ONNX has from opset {AntialiasOpset} on; the file is to "
                        + $"be of opset {writer.Opset}."
                );
            attributes.AddRange([("antialias", 1L), ("exclude_outside", 1L)]);
            if (filter == "bicubic")
                attributes.Add(("cubic_coeff_a", -0.5f));
        }
        // Whole numbers again, as the pipeline has them between its steps.
        var floats = writer.Cast(Place, _value, OnnxType.Float);
        var resized = Node("Round", [Node("Resize", [floats, "", "", sizes], [.. attributes])]);
        _value = Node("Clip", [resized, writer.Scalar(OnnxType.Float, 0), writer.Scalar(OnnxType.Float, 255)]);
        _value = writer.Cast(Place, _value, OnnxType.UInt8);
    }

    /// <summary>Batch, channels and the new size, [4].</summary>
    private string Sizes(JsonElement step)
    {
        var first = Node("Slice", [Node("Shape", [_value]), writer.Integers(0), writer.Integers(2)]);
        if (Pair(step, "size") is { } size)
        {
            _size = size;
            return Node("Concat", [first, writer.Integers(size.Height, size.Width)], ("axis", 0L));
        }
        if (!step.TryGetProperty("shorter_side", out var shorter))
            throw Refused("Resize", "this size");
        if (step.TryGetProperty("max_longer_side", out var longest) && longest.ValueKind == JsonValueKind.Number)
            throw Refused("Resize", "max_longer_side");
        _size = null;
        var sides = writer.Cast(Place, Node("Slice", [Node("Shape", [_value]), writer.Integers(2), writer.Integers(4)]), OnnxType.Double);
        string[] least = writer.Opset >= 18 ? [sides, writer.Integers(0)] : [sides];
        (string, object)[] axes = writer.Opset >= 18 ? [("keepdims", 1L)] : [("axes", new long[] { 0 }), ("keepdims", 1L)];
        var scale = Node("Div", [writer.Scalar(OnnxType.Double, shorter.GetDouble()), Node("ReduceMin", least, axes)]);
        var scaled = Node("Floor", [Node("Add", [Node("Mul", [sides, scale]), writer.Scalar(OnnxType.Double, 0.5)])]);
        return Node("Concat", [first, writer.Cast(Place, scaled, OnnxType.Int64)], ("axis", 0L));
    }

    private void Crop(JsonElement step)
    {
        var size = Pair(step, "size") ?? throw Refused("CenterCrop", "this size");
        if (_size is { } known && (known.Height < size.Height || known.Width < size.Width))
            throw Refused("CenterCrop", "padding");
        var wanted = writer.Integers(size.Height, size.Width);
        var spare = Node("Sub", [Node("Slice", [Node("Shape", [_value]), writer.Integers(2), writer.Integers(4)]), wanted]);
        var half = Node("Div", [writer.Cast(Place, spare, OnnxType.Double), writer.Scalar(OnnxType.Double, 2)]);
        var begin = writer.Cast(Place, Node("Round", [half]), OnnxType.Int64); // halves to even, as the pipeline's
        _value = Node("Slice", [_value, begin, Node("Add", [begin, wanted]), writer.Integers(2, 3)]);
        _size = size;
    }

    private void Normalize(JsonElement step)
    {
        var divisor = step.TryGetProperty("div_value", out var by) ? by.GetDouble() : 1;
        var imagenet = divisor == 255 ? 1 / 255.0 : 1;
        var mean = Numbers(step, "mean") ?? [123.675 * imagenet, 116.28 * imagenet, 103.53 * imagenet];
        var deviation = Numbers(step, "std") ?? [58.395 * imagenet, 57.12 * imagenet, 57.375 * imagenet];
        var value = _floats ? _value : writer.Cast(Place, _value, OnnxType.Float);
        if (Word(step, "input_mode") == "bgr")
            value = Node("Gather", [value, writer.Integers(2, 1, 0)], ("axis", 1L));
        float[] factors = [.. deviation.Select(d => 1 / (float)(d * divisor))];
        float[] offsets = [.. mean.Select((m, i) => -(float)(m * divisor) / (float)(deviation[deviation.Length == 1 ? 0 : i] * divisor))];
        _value = Node("Add", [Node("Mul", [value, Channels(factors)]), Channels(offsets)]);
        _floats = true;
    }

    private string Channels(float[] values) => Node("Reshape", [writer.Floats(values), writer.Integers(1, -1, 1, 1)]);

    private static double[]? Numbers(JsonElement step, string key) =>
        step.TryGetProperty(key, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray().Select(number => number.GetDouble())]
            : null;

    private static (int Height, int Width)? Pair(JsonElement step, string key) =>
        !step.TryGetProperty(key, out var value) ? null
        : value.ValueKind == JsonValueKind.Number ? (value.GetInt32(), value.GetInt32())
        : value.ValueKind == JsonValueKind.Array ? (value[0].GetInt32(), value[1].GetInt32())
        : null;

    private static string? Word(JsonElement step, string key) =>
        step.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private string Node(string operation, IReadOnlyList<string> inputs, params (string, object)[] attributes) =>
        writer.Node(Place, operation, inputs, attributes);
}
