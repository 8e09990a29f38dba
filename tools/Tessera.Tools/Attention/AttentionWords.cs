using System.Globalization;
using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Explanation.Attention;
using Tessera.Pictures;

namespace Tessera.Tools.Attention;

/// <summary>What is said of attention, on the console and on pictures.</summary>
internal static class AttentionWords
{
    /// <summary>"3, 4: 0.0412": the place that a block looks at most, and how much.</summary>
    public static string Most(BlockView block)
    {
        var map = block.Maps[0];
        if (map.IsConstant)
            return Nowhere(map);
        var place = Array.IndexOf(map.Values, map.Greatest);
        return Text($"{place / map.Width}, {place % map.Width}: {map.Greatest:0.0000}") + (block.Maps.Count > 1 ? " (head 0)" : "");
    }

    /// <summary>How blocks were put together.</summary>
    public static string Synthesis(AttentionView view, AttentionRequest request) =>
        view.Target is { } target
            ? Text($"Relevance for {target}, {view.Blocks.Count} blocks")
            : Text($"{request.Synthesis} of {view.Blocks.Count} blocks, heads: {(request.Heads == HeadFusion.Max ? "max" : "mean")}");

    /// <summary>The same over a picture: a bold line and one below.</summary>
    public static (string Bold, string Plain) Title(AttentionView view, AttentionRequest request) =>
        view.Target is { } target
            ? ($"Relevance for {target}", Text($"{view.Blocks.Count} blocks, seen from {view.Query}"))
            : (Synthesis(view, request), $"seen from {view.Query}");

    /// <summary>What the network makes of the image.</summary>
    public static string Found(Prediction prediction, DataInfo data) =>
        prediction switch
        {
            ClassPrediction classes => Text($"{data.Classes[classes.Label]} {classes.Scores[classes.Label]:0.000}"),
            DetectionPrediction boxes => Text($"{boxes.Scores.Count(score => score >= PredictionDrawing.UsualScore)} boxes"),
            SegmentationPrediction pixels => Most(pixels.Map, data),
            _ => "",
        };

    // The class of the most pixels.
    private static string Most(Image map, DataInfo data)
    {
        int[] values = map.Type == PixelType.UInt8 ? Array.ConvertAll(map.Bytes, value => (int)value) : [.. map.Pixels<ushort>().ToArray()];
        var most = values.GroupBy(value => value).MaxBy(group => group.Count())!;
        return Text($"{data.Classes[most.Key]}: {100.0 * most.Count() / values.Length:0.0} % of the pixels");
    }

    /// <summary>What stands for a map that tells no place from another, and in place of its colours.</summary>
    public static string Nowhere(RelevanceMap map) => Text($"the same everywhere ({map.Greatest:G3})");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
