using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML.OnnxRuntime;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Suppression;
using Tessera.Onnx.Export;
using Tessera.Onnx.Format;
using Tessera.Onnx.Running;

namespace Tessera.Onnx;

/// <summary>
/// A model that <c>tools/export</c> wrote, ready to use by ONNX Runtime: no file of libtorch is needed. The file carries transforms and
/// class names. Safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var predictor = OnnxPredictor.Load("pets.onnx");
/// var best = predictor.Classify("cat.jpg").Best;
/// </code></example>
public sealed class OnnxPredictor : ImagePredictor
{
    private readonly InferenceSession _session;
    private readonly FileFacts _facts;
    private readonly OnnxPredictorOptions _options;
    private readonly List<Transform> _pipeline;
    private readonly string _path;

    private OnnxPredictor(string path, InferenceSession session, FileFacts facts, OnnxPredictorOptions options)
    {
        (_path, _session, _facts, _options) = (path, session, facts, options);
        var registry = new ComponentRegistry();
        registry.Add(typeof(LoadImage).Assembly);
        var components = new ComponentBuilder(registry, new ServiceCollection().BuildServiceProvider());
        _pipeline = PredictionPipeline.Build(ConfigDocument.ReadSaved(facts.Config, path), components);
    }

    public override DataInfo Data => _facts.Data;

    /// <summary>SHA-256 of the config that the model was trained with, as the file has it.</summary>
    public string ConfigHash => _facts.ConfigHash;

    /// <summary>Loads a file that <c>tools/export</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is none of these, is damaged, or gives too little to predict with; or there is no ONNX
    /// Runtime for this system.</exception>
    public static OnnxPredictor Load(string path, OnnxPredictorOptions? options = null)
    {
        options ??= new OnnxPredictorOptions();
        var session = Runtime.Open(path, options.Threads, options.Configure);
        try
        {
            var facts = FileFacts.Of(session.ModelMetadata.CustomMetadataMap, path);
            if (facts.NotPlain is { } reason)
                throw new UserErrorException(
                    $"{path}\n  It gives one look of the network at an image, but the model predicts otherwise. {reason}"
                );
            if (facts is { Data.Task: DataTask.Detection, Postprocessing: false })
                throw new UserErrorException(
                    $"{path}\n  It gives what the detector's head says, not boxes: export it with post-processing to predict with it."
                );
            return new OnnxPredictor(path, session, facts, options);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public override IEnumerable<(string Path, Prediction Prediction)> Predict(
        IReadOnlyList<string> paths,
        Action<string, string>? unreadable = null
    )
    {
        foreach (var path in paths)
        {
            Prediction prediction;
            try
            {
                prediction = Predict(path);
            }
            catch (Exception e) when (e is UserErrorException or IOException or UnauthorizedAccessException)
            {
                unreadable?.Invoke(path, e.Message);
                continue;
            }
            yield return (path, prediction);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _session.Dispose();
    }

    protected override Prediction PredictSample(Sample sample)
    {
        var raw = new Sample
        {
            Index = 0,
            Name = sample.Name,
            ReadFile = sample.ReadFile,
            Image = sample.Image,
            Geometry = sample.Geometry,
        };
        var prepared = PreparedSample.Of(sample, _pipeline, new RandomSource(0));
        var (height, width) = PixelValue.Size(prepared, _session, _facts.Preprocessing ? null : OnnxExporter.Images, _path);
        using var images = _facts.Preprocessing ? PixelValue.Of(raw) : Planes(prepared, height, width);
        var inputs = new Dictionary<string, OrtValue> { [_facts.Preprocessing ? OnnxExporter.Pixels : OnnxExporter.Images] = images };
        using var content = PixelValue.ContentOf(prepared.Sample);
        if (_session.InputMetadata.ContainsKey(OnnxExporter.Content))
            inputs[OnnxExporter.Content] = content;
        using var run = new RunOptions();
        string[] wanted = [.. _session.OutputNames.Where(name => !name.StartsWith("tap:", StringComparison.Ordinal))];
        try
        {
            using var results = _session.Run(run, inputs, wanted);
            return new ResultReader(_facts, _options.ScoreThr).Read(results, prepared.Sample, (height, width));
        }
        catch (OnnxRuntimeException e)
        {
            throw new UserErrorException($"{_path}\n  ONNX Runtime can't run it on {sample.Name}: {e.Message.Split('\n', 2)[0]}", e);
        }
    }

    private static OrtValue Planes(PreparedSample prepared, int height, int width)
    {
        var planes = new float[prepared.Pixels.Channels * height * width];
        prepared.WritePlanes(planes, height, width);
        return OrtValue.CreateTensorValueFromMemory(planes, [1, prepared.Pixels.Channels, height, width]);
    }
}
