using System.Globalization;
using Tessera.Framework.Files;

namespace Tessera.Onnx.Format;

/// <summary>Writes models in ONNX's format (github.com/onnx/onnx, onnx.proto, whose field numbers these are).</summary>
internal static class OnnxFile
{
    /// <summary>Protocol Buffers end at 2 GB: weights that take more lie in a file beside the model.</summary>
    public const long MostInside = 1_900_000_000;

    private const int Alignment = 4096; // so that the weights can be mapped into memory
    private const int SmallestOutside = 1024;

    /// <summary>Writes the file whole or not at all; one that lay there stays until then.</summary>
    /// <param name="mostInside">Bytes of constants above which they go to PATH.data.</param>
    /// <param name="create">Opens a file; for tests that let the disk fail.</param>
    /// <returns>The files written.</returns>
    public static IReadOnlyList<string> Write(
        OnnxModel model,
        string path,
        long mostInside = MostInside,
        Func<string, Stream>? create = null
    )
    {
        var outside = model.Constants.Sum(constant => (long)constant.Data.Length) > mostInside;
        var data = path + ".data";
        if (!outside)
        {
            AtomicFile.Write(path, stream => Message(model, null).WriteTo(stream), create: create);
            return [path];
        }
        var places = Places(model, Path.GetFileName(data));
        // Both are on disk before either takes its name: an older model keeps its weights.
        AtomicFile.Write(
            path,
            stream => Message(model, places).WriteTo(stream),
            verify: _ => AtomicFile.Write(data, stream => WriteWeights(model, places, stream), create: create),
            create
        );
        return [path, data];
    }

    private static Dictionary<string, (string File, long Offset, long Length)> Places(OnnxModel model, string file)
    {
        var places = new Dictionary<string, (string, long, long)>();
        var at = 0L;
        foreach (var constant in model.Constants.Where(constant => constant.Data.Length >= SmallestOutside))
        {
            at += (Alignment - (at % Alignment)) % Alignment;
            places[constant.Name] = (file, at, constant.Data.Length);
            at += constant.Data.Length;
        }
        return places;
    }

    private static void WriteWeights(OnnxModel model, Dictionary<string, (string File, long Offset, long Length)> places, Stream stream)
    {
        var at = 0L;
        foreach (var constant in model.Constants)
            if (places.TryGetValue(constant.Name, out var place))
            {
                stream.Write(new byte[place.Offset - at]);
                stream.Write(constant.Data.Span);
                at = place.Offset + place.Length;
            }
    }

    private static ProtoMessage Message(OnnxModel model, Dictionary<string, (string File, long Offset, long Length)>? outside)
    {
        var message = new ProtoMessage();
        message.Number(1, IrVersion(model.Opset));
        message.Text(2, "Tessera");
        message.Text(3, typeof(OnnxFile).Assembly.GetName().Version?.ToString(3) ?? "");
        message.Message(7, Graph(model, outside));
        var opset = new ProtoMessage();
        opset.Number(2, model.Opset);
        message.Message(8, opset);
        foreach (var (name, value) in model.Metadata)
            message.Message(14, Pair(name, value));
        return message;
    }

    // The format's own version that came with a release of the operations; readers refuse one that they are too old for.
    private static int IrVersion(int opset) =>
        opset switch
        {
            <= 14 => 7,
            <= 18 => 8,
            <= 20 => 9,
            _ => 10,
        };

    private static ProtoMessage Graph(OnnxModel model, Dictionary<string, (string File, long Offset, long Length)>? outside)
    {
        var graph = new ProtoMessage();
        foreach (var node in model.Nodes)
            graph.Message(1, Node(node));
        graph.Text(2, "tessera");
        foreach (var constant in model.Constants)
        {
            var tensor = new ProtoMessage();
            foreach (var side in constant.Shape)
                tensor.Always(1, side);
            tensor.Number(2, (int)constant.Type);
            tensor.Text(8, constant.Name);
            if (outside?.TryGetValue(constant.Name, out var place) == true)
            {
                tensor.Message(13, Pair("location", place.File));
                tensor.Message(13, Pair("offset", place.Offset.ToString(CultureInfo.InvariantCulture)));
                tensor.Message(13, Pair("length", place.Length.ToString(CultureInfo.InvariantCulture)));
                tensor.Number(14, 1);
            }
            else
                tensor.Blob(9, constant.Data);
            graph.Message(5, tensor);
        }
        foreach (var input in model.Inputs)
            graph.Message(11, Port(input));
        foreach (var output in model.Outputs)
            graph.Message(12, Port(output));
        return graph;
    }

    private static ProtoMessage Node(OnnxNode node)
    {
        var message = new ProtoMessage();
        foreach (var input in node.Inputs)
            message.Item(1, input);
        foreach (var output in node.Outputs)
            message.Item(2, output);
        message.Text(3, node.Name);
        message.Text(4, node.Operation);
        foreach (var (name, value) in node.Attributes)
            message.Message(5, Attribute(name, value));
        return message;
    }

    private static ProtoMessage Attribute(string name, object value)
    {
        const int OfFloat = 1,
            OfInteger = 2,
            OfText = 3,
            OfFloats = 6,
            OfIntegers = 7;
        var attribute = new ProtoMessage();
        attribute.Text(1, name);
        switch (value)
        {
            case float number:
                attribute.Float(2, number);
                attribute.Number(20, OfFloat);
                break;
            case long number:
                attribute.Always(3, number);
                attribute.Number(20, OfInteger);
                break;
            case string text:
                attribute.Item(4, text);
                attribute.Number(20, OfText);
                break;
            case IEnumerable<float> numbers:
                foreach (var number in numbers)
                    attribute.Float(7, number);
                attribute.Number(20, OfFloats);
                break;
            case IEnumerable<long> numbers:
                foreach (var number in numbers)
                    attribute.Always(8, number);
                attribute.Number(20, OfIntegers);
                break;
            default:
                throw new ArgumentException($"{value.GetType().Name} is no kind of attribute.", nameof(value));
        }
        return attribute;
    }

    private static ProtoMessage Port(OnnxPort port)
    {
        var shape = new ProtoMessage();
        foreach (var side in port.Sides)
        {
            var dimension = new ProtoMessage();
            if (side is long length)
                dimension.Always(1, length);
            else
                dimension.Text(2, (string)side);
            shape.Message(1, dimension);
        }
        var tensor = new ProtoMessage();
        tensor.Number(1, (int)port.Type);
        tensor.Message(2, shape);
        var type = new ProtoMessage();
        type.Message(1, tensor);
        var message = new ProtoMessage();
        message.Text(1, port.Name);
        message.Message(2, type);
        return message;
    }

    private static ProtoMessage Pair(string name, string value)
    {
        var pair = new ProtoMessage();
        pair.Text(1, name);
        pair.Item(2, value);
        return pair;
    }
}
