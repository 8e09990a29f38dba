using Microsoft.ML.OnnxRuntime;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Onnx.Export;
using Tessera.Onnx.Format;
using Tessera.Onnx.Running;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Onnx.Verification;

/// <summary>Holds a file run by ONNX Runtime against its model run by libtorch, stage by stage, on images.</summary>
public sealed class OnnxVerifier
{
    private readonly Session _session;
    private readonly IReadOnlyList<string> _taps;
    private readonly OnnxExportOptions _options;
    private readonly DataInfo _data;

    /// <param name="session">The model's.</param>
    /// <param name="options">As the file was exported; with its taps, or those of <see cref="Stages"/>.</param>
    public OnnxVerifier(Session session, OnnxExportOptions options)
    {
        (_session, _options, _taps) = (session, options, options.Taps);
        _data = session.TrainedOn ?? session.Data[session.Data.FirstPart].Info;
    }

    /// <summary>Modules to look at: the model's parts and their parts.</summary>
    public static IReadOnlyList<string> Stages(Session session, OnnxExportOptions options)
    {
        var size = options.Size ?? InputSize.Of(session);
        var model = session.Model;
        var ran = new List<string>();
        var removals = new List<Action>();
        foreach (var name in model.TapNames().Where(name => name.Count(letter => letter == '.') <= 1))
        {
            var module = model.named_modules().First(entry => entry.name == name).module;
            if (ModuleHooks.Around(module, _ => { }, (_, _) => ran.Add(name)) is { } remove)
                removals.Add(remove);
        }
        try
        {
            using var scope = NewDisposeScope();
            using var still = no_grad();
            _ = ((IExplainable)model).Outputs(zeros(1, 3, size.Height, size.Width));
        }
        finally
        {
            foreach (var remove in removals)
                remove();
        }
        return [.. ran.Distinct()];
    }

    /// <summary>The stages in the order in which they run, worst differences over all images.</summary>
    /// <param name="path">The file, with the taps of the options.</param>
    /// <param name="images">Samples before the pipeline.</param>
    /// <param name="advance">Told how many images are done.</param>
    /// <exception cref="UserErrorException">An image can't be read, or the file not be run.</exception>
    public IReadOnlyList<VerifiedStage> Verify(string path, IReadOnlyList<Func<Sample>> images, Action<int>? advance = null)
    {
        using var runtime = Runtime.Open(path);
        var pipeline = PredictionPipeline.Build(_session);
        var stages = new Dictionary<string, VerifiedStage>();
        var order = new List<string>();
        for (var i = 0; i < images.Count; i++)
        {
            using var scope = NewDisposeScope();
            using var still = no_grad();
            foreach (var stage in Compare(runtime, images[i], pipeline))
            {
                if (!stages.ContainsKey(stage.Name))
                    order.Add(stage.Name);
                stages[stage.Name] = stages.TryGetValue(stage.Name, out var before) ? VerifiedStage.Worse(before, stage) : stage;
            }
            advance?.Invoke(i + 1);
        }
        return [.. order.Select(name => stages[name])];
    }

    private IEnumerable<VerifiedStage> Compare(InferenceSession runtime, Func<Sample> open, List<Transform> pipeline)
    {
        var sample = open();
        var prepared = PreparedSample.Of(sample, pipeline, new RandomSource(0));
        var images = _options.WithPreprocessing ? null : OnnxExporter.Images;
        var (height, width) = PixelValue.Size(prepared, runtime, images, "the exported file");
        var planes = new float[3 * height * width];
        prepared.WritePlanes(planes, height, width);
        var expected = Expected(tensor(planes).view(1, 3, height, width));
        using var found = Run(runtime, open(), prepared, planes, (height, width));
        var names = runtime.OutputNames;
        for (var i = 0; i < names.Count; i++)
            if (expected.TryGetValue(names[i], out var value))
                yield return Difference(names[i], value, found[i]);
        if (_options.WithPostprocessing && _data.Task == DataTask.Detection)
            yield return Boxes(names, found, sample, (height, width), planes);
    }

    /// <summary>What libtorch makes of images, by the outputs' names.</summary>
    private Dictionary<string, Tensor> Expected(Tensor images)
    {
        var model = _session.Model;
        var taps = _taps.Select(name => model.Tap(name)).ToArray();
        var values = new Dictionary<string, Tensor>();
        try
        {
            var task = new TaskOutputs(model, _data, _options.WithPostprocessing);
            var outputs = task.Forward(images);
            foreach (var tap in taps)
                for (var i = 0; i < tap.Values.Count; i++)
                    values[OnnxExporter.TapName(tap.Name, i, tap.Values.Count)] = tap.Values[i].clone();
            foreach (var (name, value) in Named(outputs))
                values[name] = value;
        }
        finally
        {
            foreach (var tap in taps)
                tap.Dispose();
        }
        return values;
    }

    private IEnumerable<(string, Tensor)> Named(Tensor[] outputs) =>
        (_data.Task, _options.WithPostprocessing) switch
        {
            (DataTask.Classification, true) => [("scores", outputs[0].softmax(1))],
            (DataTask.MultiLabel, true) => [("scores", outputs[0].sigmoid())],
            (DataTask.Segmentation, true) => [("classes", outputs[0].argmax(1).to(ScalarType.Int32))],
            (DataTask.Detection, true) => [],
            (DataTask.Detection or DataTask.Panoptic, _) => outputs.Select((output, i) => ($"output{i}", output)),
            (DataTask.Regression, _) => [("values", outputs[0])],
            _ => [("logits", outputs[0])],
        };

    private IDisposableReadOnlyCollection<OrtValue> Run(
        InferenceSession runtime,
        Sample raw,
        PreparedSample prepared,
        float[] planes,
        (int Height, int Width) size
    )
    {
        using var images = _options.WithPreprocessing
            ? PixelValue.Of(raw)
            : OrtValue.CreateTensorValueFromMemory(planes, [1, 3, size.Height, size.Width]);
        using var content = PixelValue.ContentOf(prepared.Sample);
        var inputs = new Dictionary<string, OrtValue> { [_options.WithPreprocessing ? OnnxExporter.Pixels : OnnxExporter.Images] = images };
        if (runtime.InputMetadata.ContainsKey(OnnxExporter.Content))
            inputs[OnnxExporter.Content] = content;
        using var run = new RunOptions();
        return runtime.Run(run, inputs, runtime.OutputNames);
    }

    private static VerifiedStage Difference(string name, Tensor expected, OrtValue found)
    {
        var shape = found.GetTensorTypeAndShape();
        if (!shape.Shape.SequenceEqual(expected.shape))
            return new VerifiedStage(name, shape.Shape, double.NaN, double.NaN, false);
        if (expected.is_floating_point())
            return Floats(name, expected.to(ScalarType.Float32).contiguous().Values<float>(), found, shape.Shape);
        var wanted = expected.to(ScalarType.Int64).contiguous().Values<long>();
        var given =
            shape.ElementDataType == Microsoft.ML.OnnxRuntime.Tensors.TensorElementType.Int32
                ? Array.ConvertAll(found.GetTensorDataAsSpan<int>().ToArray(), value => (long)value)
                : found.GetTensorDataAsSpan<long>().ToArray();
        var other = wanted.Where((value, i) => value != given[i]).Count();
        return new VerifiedStage(name, shape.Shape, other, (double)other / Math.Max(wanted.Length, 1), true);
    }

    private static VerifiedStage Floats(string name, float[] wanted, OrtValue found, long[] shape)
    {
        var given = found.GetTensorDataAsSpan<float>();
        var (largest, scale) = (0.0, 0.0);
        for (var i = 0; i < wanted.Length; i++)
        {
            var difference = Math.Abs((double)wanted[i] - given[i]);
            largest =
                double.IsNaN(difference) && !(float.IsNaN(wanted[i]) && float.IsNaN(given[i])) ? double.NaN : Math.Max(largest, difference);
            if (float.IsFinite(wanted[i]))
                scale = Math.Max(scale, Math.Abs(wanted[i]));
        }
        return new VerifiedStage(name, shape, largest, largest == 0 ? 0 : largest / scale, false);
    }

    /// <summary>Boxes of the file against those of the model's own way to predict, in order.</summary>
    private VerifiedStage Boxes(
        IReadOnlyList<string> names,
        IReadOnlyList<OrtValue> found,
        Sample sample,
        (int Height, int Width) size,
        float[] planes
    )
    {
        var facts = new FileFacts
        {
            Data = _data,
            Config = "",
            Postprocessing = true,
        };
        OrtValue[] results = [found[Index("boxes")], found[Index("scores")], found[Index("labels")]];
        var given = (DetectionPrediction)new ResultReader(facts, null).Read(results, sample, size);
        using var batch = new Batch
        {
            Images = tensor(planes).view(1, 3, size.Height, size.Width).DetachFromDisposeScope(),
            Samples = [sample],
        };
        var wanted = (DetectionPrediction)_session.Model.Predict(batch)[0];
        long[] shape = [wanted.Scores.Length, 4];
        if (!wanted.Labels.SequenceEqual(given.Labels))
            return new VerifiedStage("boxes", shape, double.NaN, double.NaN, false);
        double[] all = [0, .. Differences(wanted.Corners, given.Corners), .. Differences(wanted.Scores, given.Scores)];
        double scale = wanted.Corners.Append(1f).Max(Math.Abs);
        return new VerifiedStage("boxes", shape, all.Max(), all.Max() / scale, false);

        int Index(string name) => names.ToList().IndexOf(name);
    }

    private static IEnumerable<double> Differences(float[] a, float[] b) => a.Zip(b, (x, y) => Math.Abs((double)x - y));
}
