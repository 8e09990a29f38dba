using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Layers;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>
/// A trained model, ready to use. The checkpoint carries everything: architecture, weights, transforms and class names.
/// Not safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var predictor = Predictor.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// var best = predictor.Classify("cat.jpg").Best;
/// Console.WriteLine($"{best.Name} {best.Score:0.00}");
/// </code></example>
public sealed class Predictor : ImagePredictor
{
    private readonly Session _session;
    private readonly PredictorOptions _options;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly ConvNormFusion _fusion = new();
    private readonly int _batchSize;

    private Predictor(Session session, PredictorOptions options)
    {
        (_session, _options) = (session, options);
        _pipeline = PredictionPipeline.Build(session);
        var evaluation = session.Options.Test ?? session.Options.Val;
        _batchSize = options.BatchSize ?? Math.Min(evaluation?.Loader?.BatchSize ?? 16, 16); // images of all sizes come one by one
        Model = session.Model;
    }

    public override DataInfo Data => _session.TrainedOn!;

    public VisionModel Model { get; }

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that <paramref name="options"/>
    /// doesn't name.</exception>
    public static Predictor Load(string checkpoint, PredictorOptions? options = null)
    {
        options ??= new PredictorOptions();
        var opened = Checkpoint.Open(checkpoint);
        try
        {
            RequireThreshold(options.ScoreThr, opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        var session = Session.OfCheckpoint(opened, SessionOptionsOf(options));
        return session.HandOver(opened => new Predictor(opened, options));
    }

    public override Prediction Predict(string path) => Single(PredictionInput.File(0, path));

    public override Prediction Predict(Image image) => Single(PredictionInput.InMemory(0, image));

    /// <summary>Predictions for many files, in order, read ahead by threads. A file that can't be read is left out.</summary>
    /// <param name="unreadable">Told which file was left out, and why.</param>
    public override IEnumerable<(string Path, Prediction Prediction)> Predict(
        IReadOnlyList<string> paths,
        Action<string, string>? unreadable = null
    )
    {
        var inputs = new PredictionInputs([.. paths.Select((path, i) => (Func<Sample>)(() => PredictionInput.File(i, path)))], Data);
        using var loader = Loader(inputs, new LoaderOptions(_batchSize, _options.Workers, OnBadSample: BadSample.Skip));
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var batch in loader.Epoch(0))
        {
            foreach (var result in Run(batch))
                yield return result;
            Tell();
        }
        Tell();

        // Threads may find a later file before an earlier one.
        void Tell()
        {
            foreach (var (name, reason) in loader.Skipped)
                if (told.Add(name))
                    unreadable?.Invoke(name, reason);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _fusion.Dispose();
        _session.Dispose();
    }

    private Prediction Single(Sample sample)
    {
        using var loader = Loader(new PredictionInputs([() => sample], Data), new LoaderOptions(1, Workers: 0));
        return loader.Epoch(0).SelectMany(Run).Single().Prediction;
    }

    private IBatchLoader Loader(Dataset inputs, LoaderOptions options) =>
        _session.Services.GetRequiredService<IBatchLoaderFactory>().Create(inputs, _pipeline, null, options, seed: 0, training: false);

    private IReadOnlyList<(string Path, Prediction Prediction)> Run(Batch loaded)
    {
        using var batch = loaded;
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        _session.Place(batch);
        using var autocast = _session.Precision.Enter(_session.Device.type);
        using var fused = _options.FuseNorms ? _fusion.Enter() : default(IDisposable);
        return [.. batch.Samples.Select(sample => sample.Name).Zip(ShapeMistake.Guard(Model, batch, () => Model.Predict(batch)))];
    }

    private static void RequireThreshold(double? score, Checkpoint checkpoint)
    {
        var detects = checkpoint.Info.Data.Task == DataTask.Detection;
        if (score is { } given && (!detects || given is not (>= 0 and <= 1)))
            throw new UserErrorException(
                detects
                    ? $"The threshold of scores is {given}; a number from 0 to 1 was expected."
                    : $"{checkpoint.Path}: its model finds no boxes, so there is none to leave out by a threshold of scores."
            );
    }

    private static SessionOptions SessionOptionsOf(PredictorOptions options) =>
        new()
        {
            Overrides = options.ScoreThr is { } score ? [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={score}")] : [],
            Device = options.Device,
            Precision = options.Precision,
            Plugins = options.Plugins,
            Averaged = options.Averaged,
            Note = options.Note,
        };
}
