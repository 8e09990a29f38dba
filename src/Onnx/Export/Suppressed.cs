using Tessera.Framework.Models;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;

namespace Tessera.Onnx.Export;

/// <summary>Suppression of boxes within the graph.</summary>
internal static class Suppressed
{
    private const string Place = "suppression";

    /// <summary>Boxes of one class that cover each other are reduced to the best; the best are sorted by score.</summary>
    /// <param name="boxes">[B, N, 4].</param>
    /// <param name="scores">[B, N]; 0 is nothing.</param>
    /// <param name="labels">[B, N], int64.</param>
    /// <param name="content">[B, 2]: height and width of the image itself within the input, to which boxes are cut.</param>
    /// <param name="candidates">N.</param>
    /// <returns>Boxes [B, n, 4], scores [B, n] and labels [B, n]; where fewer are left, score 0 and label -1.</returns>
    public static (string Boxes, string Scores, string Labels) Write(
        GraphWriter writer,
        string boxes,
        string scores,
        string labels,
        string content,
        int classes,
        long candidates,
        BoxSuppression how
    )
    {
        string Node(string operation, IReadOnlyList<string> inputs, params (string, object)[] attributes) =>
            writer.Node(Place, operation, inputs, attributes);
        // width, height, width, height of each image
        var bounds = Node("Unsqueeze", [Node("Gather", [content, writer.Integers(1, 0, 1, 0)], ("axis", 1L)), writer.Integers(1)]);
        boxes = Node("Min", [Node("Max", [boxes, writer.Scalar(OnnxType.Float, 0)]), bounds]);
        // What has no area is no box.
        var corners = Enumerable.Range(0, 4).Select(i => Node("Gather", [boxes, writer.Integer(i)], ("axis", 2L))).ToArray();
        var open = Node("And", [Node("Greater", [corners[2], corners[0]]), Node("Greater", [corners[3], corners[1]])]);
        var zero = writer.Scalar(OnnxType.Float, 0);
        scores = Node("Where", [open, scores, zero]);

        var each = writer.Constant(OnnxType.Int64, [1, classes, 1], Numbers(classes));
        var own = Node("Equal", [Node("Unsqueeze", [labels, writer.Integers(1)]), each]); // [B, C, N]
        var byClass = Node("Where", [own, Node("Unsqueeze", [scores, writer.Integers(1)]), zero]);
        var found = Node(
            "NonMaxSuppression",
            [boxes, byClass, writer.Integers(how.MaxPerImage), writer.Floats((float)how.IouThreshold), writer.Floats(0)]
        ); // [M, 3]: image, class, box
        var places = Node("Gather", [found, writer.Integers(0, 2)], ("axis", 1L)); // [M, 2]
        var none = Node("Mul", [scores, zero]);
        var left = Node("ScatterND", [none, places, Node("GatherND", [scores, places])]);
        var best = writer.Nodes(
            Place,
            "TopK",
            [left, writer.Integers(Math.Min(how.MaxPerImage, candidates))],
            2,
            ("axis", 1L),
            ("largest", 1L),
            ("sorted", 1L)
        );
        var four = Node("Tile", [Node("Unsqueeze", [best[1], writer.Integers(2)]), writer.Integers(1, 1, 4)]);
        var label = Node("GatherElements", [labels, best[1]], ("axis", 1L));
        var real = Node("Greater", [best[0], zero]);
        return (Node("GatherElements", [boxes, four], ("axis", 1L)), best[0], Node("Where", [real, label, writer.Integer(-1)]));
    }

    private static byte[] Numbers(int count) =>
        System.Runtime.InteropServices.MemoryMarshal.AsBytes(Enumerable.Range(0, count).Select(i => (long)i).ToArray().AsSpan()).ToArray();
}
