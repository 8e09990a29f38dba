using Microsoft.ML.OnnxRuntime;
using Tessera.Onnx.Export;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Onnx;

/// <summary>A forward pass as a file, run by ONNX Runtime beside libtorch.</summary>
internal static class Exported
{
    /// <summary>Writes a forward pass over images into a file.</summary>
    /// <param name="shape">Of the images, [B, C, H, W].</param>
    /// <returns>The results' names.</returns>
    public static IReadOnlyList<string> Write(
        string path,
        nn.Module model,
        Func<Tensor, Tensor[]> forward,
        long[] shape,
        OpenSides open = OpenSides.None,
        int opset = 18
    )
    {
        var graph = new OnnxModel(opset);
        var writer = new GraphWriter(graph);
        graph.Inputs.Add(
            new OnnxPort(
                writer.Fresh("images"),
                OnnxType.Float,
                [
                    .. shape.Select(
                        (side, axis) =>
                            (axis == 0 && open.HasFlag(OpenSides.Batch)) || (axis > 1 && open.HasFlag(OpenSides.Size))
                                ? (object)ModelGraph.OpenName(axis)
                                : side
                    ),
                ]
            )
        );
        var program = ModelGraph.Write(writer, "images", model, forward, shape, open);
        foreach (var name in program.Results.Distinct().Where(name => name != "images"))
            graph.Outputs.Add(new OnnxPort(name, program.Shapes[name].Type, program.Shapes[name].Sides));
        OnnxFile.Write(graph, path);
        return program.Results;
    }

    /// <summary>The largest difference from libtorch, as a share of the largest value.</summary>
    public static double Difference(string path, IReadOnlyList<string> names, Func<Tensor, Tensor[]> forward, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var expected = forward(images);
        using var settings = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            IntraOpNumThreads = 1,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        using var session = new InferenceSession(path, settings);
        using var input = OrtValue.CreateTensorValueFromMemory(images.contiguous().Values<float>(), images.shape);
        using var run = new RunOptions();
        using var found = session.Run(run, ["images"], [input], [.. names]);
        var worst = 0.0;
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i].shape, found[i].GetTensorTypeAndShape().Shape);
            worst = Math.Max(worst, Difference(expected[i], found[i]));
        }
        return worst;
    }

    private static double Difference(Tensor expected, OrtValue found)
    {
        var given = found.GetTensorTypeAndShape().ElementDataType switch
        {
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Float => Array.ConvertAll(
                found.GetTensorDataAsSpan<float>().ToArray(),
                v => (double)v
            ),
            Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int64 => Array.ConvertAll(
                found.GetTensorDataAsSpan<long>().ToArray(),
                v => (double)v
            ),
            _ => Array.ConvertAll(found.GetTensorDataAsSpan<bool>().ToArray(), v => v ? 1.0 : 0),
        };
        var wanted = expected.to(ScalarType.Float64).contiguous().Values<double>();
        var scale = wanted.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
        var difference = wanted.Zip(given, (a, b) => a.Equals(b) ? 0 : Math.Abs(a - b)).DefaultIfEmpty(0).Max();
        return difference == 0 ? 0 : difference / scale;
    }
}
