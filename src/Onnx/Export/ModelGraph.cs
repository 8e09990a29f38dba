using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using Tessera.Onnx.Operators;
using Tessera.Onnx.Recording;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Onnx.Export;

/// <summary>Which sides of the images a file leaves open.</summary>
[Flags]
public enum OpenSides
{
    None = 0,

    /// <summary>The number of images.</summary>
    Batch = 1,

    /// <summary>Height and width.</summary>
    Size = 2,
}

/// <summary>A module's forward pass in a graph.</summary>
/// <param name="Results">The graph's names of what it gives.</param>
/// <param name="Taps">Those of what the tapped modules give, by module.</param>
/// <param name="Shapes">Of each of these names: a number (long), or a text for a side that is left open.</param>
internal sealed record WrittenProgram(
    IReadOnlyList<string> Results,
    IReadOnlyList<(string Module, IReadOnlyList<string> Names)> Taps,
    IReadOnlyDictionary<string, (OnnxType Type, object[] Sides)> Shapes
);

/// <summary>Records a module's forward pass and writes it into a graph.</summary>
internal static class ModelGraph
{
    private const int Step = 64; // between sizes that are tried

    /// <param name="shape">Of the images, [B, C, H, W].</param>
    /// <param name="input">The graph's name of the images.</param>
    public static WrittenProgram Write(
        GraphWriter writer,
        string input,
        nn.Module model,
        Func<Tensor, Tensor[]> forward,
        IReadOnlyList<long> shape,
        OpenSides open = OpenSides.None,
        IReadOnlyList<string>? taps = null
    )
    {
        taps ??= [];
        var recorder = new ModelRecorder(model, forward, taps);
        var shapes = Shapes(shape, open);
        var programs = shapes.Select((of, i) => recorder.Record(of, seed: i + 1)).ToArray();
        ProgramComparison.Require(programs, alike: 2);
        var lowering = new ProgramLowering(
            writer,
            programs,
            alike: 2,
            [.. recorder.Weights.Select(weight => (weight.Name, (ReadOnlyMemory<byte>)Bytes(weight.Tensor)))]
        );
        var wanted = programs[0].Results.Concat(programs[0].Taps.Values.SelectMany(values => values)).ToArray();
        var names = lowering.Write([input], wanted);
        var kinds = new Dictionary<string, (OnnxType, object[])>();
        foreach (var (value, name) in wanted.Zip(names))
            kinds[name] = (lowering.Value(value).Type ?? OnnxType.Float, Sides(lowering, value, name));
        var written = new Queue<string>(names.Skip(programs[0].Results.Count));
        return new WrittenProgram(
            names[..programs[0].Results.Count],
            [.. taps.Select((tap, i) => (tap, Several(programs[0], i, tap, written)))],
            kinds
        );
    }

    private static IReadOnlyList<string> Several(RecordedProgram program, int tap, string module, Queue<string> written) =>
        program.Taps.TryGetValue(tap, out var values)
            ? [.. values.Select(_ => written.Dequeue())]
            : throw new UserErrorException($"{module} does not run when the model predicts, so it gives nothing.");

    // Two of the size itself, with other pixels; then sizes in which no two sides grow alike.
    private static List<long[]> Shapes(IReadOnlyList<long> shape, OpenSides open)
    {
        var first = shape.ToArray();
        if (open.HasFlag(OpenSides.Batch))
            first[0] = Math.Max(first[0], 2); // with one image, what is repeated for all is not seen
        if (open.HasFlag(OpenSides.Size))
            // Not the size itself, at which the model may leave out what it does at all others (resizing its positions).
            (first[2], first[3]) = (first[2] + Step, first[3] + (2 * Step));
        var shapes = new List<long[]> { first, first };
        if (open == OpenSides.None)
            return shapes;
        foreach (var (more, down, right) in (ReadOnlySpan<(int, int, int)>)[(1, 1, 3), (3, 2, 1)])
            shapes.Add([
                open.HasFlag(OpenSides.Batch) ? first[0] + more : first[0],
                first[1],
                open.HasFlag(OpenSides.Size) ? first[2] + (down * Step) : first[2],
                open.HasFlag(OpenSides.Size) ? first[3] + (right * Step) : first[3],
            ]);
        return shapes;
    }

    private static object[] Sides(ProgramLowering lowering, int value, string name)
    {
        var sides = new object[lowering.Value(value).Shape.Count];
        for (var axis = 0; axis < sides.Length; axis++)
        {
            var lengths = lowering.Lengths(value, axis);
            var root = lowering.Roots.FirstOrDefault(root => root.Lengths.AsSpan().SequenceEqual(lengths));
            sides[axis] =
                lengths.Distinct().Count() == 1 ? lengths[0]
                : root is not null ? OpenName(root.Axis)
                : $"{name}_{axis.ToString(CultureInfo.InvariantCulture)}";
        }
        return sides;
    }

    /// <summary>How a side of the images that is left open is called.</summary>
    public static string OpenName(int axis) =>
        axis switch
        {
            0 => "batch",
            2 => "height",
            _ => "width",
        };

    private static byte[] Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.detach().cpu().contiguous().bytes.ToArray();
    }
}
