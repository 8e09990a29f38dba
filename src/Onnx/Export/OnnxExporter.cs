using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Heads.Segmentation;
using Tessera.Models.TaskModels;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Onnx.Export;

/// <summary>Writes a session's model as an ONNX file: any model, of plugins too, by what its operators do.</summary>
public static class OnnxExporter
{
    internal const string Images = "images",
        Pixels = "pixels",
        Content = "content";

    private const string OpenSize = "the file must leave the size of the model's input open";

    /// <summary>Exports the model of a checkpoint's session.</summary>
    /// <param name="session">Of a checkpoint, on the CPU.</param>
    /// <param name="path">Of the file, written whole or not at all. Weights beyond 2 GB lie in PATH.data.</param>
    /// <exception cref="UserErrorException">Something of the model has no form in ONNX; the message names module, operator and
    /// shapes.</exception>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static OnnxExport Export(Session session, string path, OnnxExportOptions? options = null)
    {
        options ??= new OnnxExportOptions();
        Require(session, options);
        var model = Build(session, options);
        var files = OnnxFile.Write(model, path);
        return new OnnxExport(
            files,
            model.Nodes.Count,
            model.Constants.Sum(constant => (long)constant.Data.Length),
            [.. model.Inputs.Select(Describe)],
            [.. model.Outputs.Select(Describe)]
        );
    }

    /// <summary>What an output of a tapped module is called: "tap:backbone.layer4", with a number where there are several.</summary>
    internal static string TapName(string module, int index, int count) => count == 1 ? $"tap:{module}" : $"tap:{module}:{index}";

    private static string Describe(OnnxPort port) =>
        $"{port.Name} {port.Type.ToString().ToLowerInvariant()} [{string.Join(", ", port.Sides)}]";

    private static void Require(Session session, OnnxExportOptions options)
    {
        if (options.Opset is < OnnxExportOptions.OldestOpset or > OnnxExportOptions.NewestOpset)
            throw new UserErrorException(
                $"Opset {options.Opset} is not written; {OnnxExportOptions.OldestOpset} to {OnnxExportOptions.NewestOpset} are."
            );
        if (session.Device.type != DeviceType.CPU)
            throw new UserErrorException("A model is exported on the CPU: open the session with device cpu.");
        if (session.Model is not IExplainable)
            throw new UserErrorException(
                $"{session.Model.GetName()} does not give its outputs as tensors (IExplainable.Outputs), so it can't be exported."
            );
        if (session.Model is TwoStageDetector)
            throw new UserErrorException(
                $"{session.Model.GetName()} can't be exported: its second stage looks at other regions in each image, which no graph of "
                    + "fixed operators does. Detectors of one stage and RtDetr can."
            );
        var names = session.Model.TapNames().ToHashSet(StringComparer.Ordinal);
        foreach (var tap in options.Taps.Where(tap => !names.Contains(tap)))
            throw new UserErrorException(
                $"{session.Model.GetName()} has no module \"{tap}\" that gives tensors.{NearestName.Suggest(tap, names)}"
            );
    }

    private static OnnxModel Build(Session session, OnnxExportOptions options)
    {
        var (network, data) = (session.Model, session.TrainedOn ?? session.Data[session.Data.FirstPart].Info);
        network.eval();
        var model = new OnnxModel(options.Opset);
        var writer = new GraphWriter(model);
        var (height, width) = options.Size ?? InputSize.Of(session);
        var task = new TaskOutputs(network, data, options.WithPostprocessing);
        var input = Input(session, options, writer, model, (height, width));
        long[] shape = [1, 3, height, width];
        var program = ModelGraph.Write(writer, input, network, task.Forward, shape, options.Open, options.Taps);
        var content = task.NeedsContent ? ContentOf(options, writer, model, (height, width), input) : null;
        foreach (var (name, value, type, sides) in task.Write(writer, program, content))
            Give(writer, model, name, value, type, sides);
        foreach (var (module, names) in program.Taps)
            for (var i = 0; i < names.Count; i++)
                Give(
                    writer,
                    model,
                    TapName(module, i, names.Count),
                    names[i],
                    program.Shapes[names[i]].Type,
                    program.Shapes[names[i]].Sides
                );
        model.Metadata.AddRange(
            new FileFacts
            {
                Data = data,
                Config = SavedConfig.ForModel(session.Document).SaveText(),
                Preprocessing = options.WithPreprocessing,
                Postprocessing = options.WithPostprocessing,
                AlignCorners = network.modules().OfType<SegmentationHead>().FirstOrDefault()?.AlignCorners ?? false,
                NotPlain = task.NotPlain((height, width)),
            }.Texts()
        );
        return model;
    }

    // The graph's input, as the network takes it.
    private static string Input(
        Session session,
        OnnxExportOptions options,
        GraphWriter writer,
        OnnxModel model,
        (int Height, int Width) size
    )
    {
        object batch = options.Open.HasFlag(OpenSides.Batch) ? ModelGraph.OpenName(0) : 1L;
        if (!options.WithPreprocessing)
        {
            var open = options.Open.HasFlag(OpenSides.Size);
            object[] sides =
            [
                batch,
                3L,
                open ? ModelGraph.OpenName(2) : (long)size.Height,
                open ? ModelGraph.OpenName(3) : (long)size.Width,
            ];
            model.Inputs.Add(new OnnxPort(writer.Fresh(Images), OnnxType.Float, sides));
            return Images;
        }
        model.Inputs.Add(
            new OnnxPort(
                writer.Fresh(Pixels),
                OnnxType.UInt8,
                [batch, $"image_{ModelGraph.OpenName(2)}", $"image_{ModelGraph.OpenName(3)}", 3L]
            )
        );
        var (value, made) = new PixelInput(writer).Write(Pixels, session.Document);
        if (made is { } fixedSize && fixedSize != size && !options.Open.HasFlag(OpenSides.Size))
            throw new UserErrorException(
                $"The pipeline makes images of {fixedSize.Height} x {fixedSize.Width}; the model's input was to be "
                    + $"{size.Height} x {size.Width}."
            );
        if (made is null && !options.Open.HasFlag(OpenSides.Size))
            throw new UserErrorException($"The pipeline makes images of several sizes, so {OpenSize}.", new Advice(OpenSize, "open_size"));
        return value;
    }

    // How much of the input is image and not padding.
    private static string ContentOf(
        OnnxExportOptions options,
        GraphWriter writer,
        OnnxModel model,
        (int Height, int Width) size,
        string input
    )
    {
        if (options.WithPreprocessing) // all of it: no step pads
        {
            var whole = writer.Node("", "Reshape", [writer.Floats(size.Height, size.Width), writer.Integers(1, 2)]);
            var batch = writer.Node("", "Concat", [writer.Side(input, 0), writer.Integers(2)], ("axis", 0L));
            return writer.Node("", "Expand", [whole, batch]);
        }
        object images = options.Open.HasFlag(OpenSides.Batch) ? ModelGraph.OpenName(0) : 1L;
        model.Inputs.Add(new OnnxPort(writer.Fresh(Content), OnnxType.Float, [images, 2L]));
        return Content;
    }

    private static void Give(GraphWriter writer, OnnxModel model, string name, string value, OnnxType type, IReadOnlyList<object> sides)
    {
        name = writer.Fresh(name);
        model.Nodes.Add(new OnnxNode("Identity", name, [value], [name], []));
        model.Outputs.Add(new OnnxPort(name, type, sides));
    }
}
