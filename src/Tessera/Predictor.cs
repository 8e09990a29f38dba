using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Layers;
using Tessera.Results;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>
/// A trained model, ready to use. The checkpoint carries everything: architecture, weights, transforms and class names.
/// Not safe to call from several threads at once: PredictorPool is, in Tessera.Serving.
/// </summary>
/// <example><code>
/// using var predictor = Predictor.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// var best = predictor.Classify("cat.jpg").Best;
/// Console.WriteLine($"{best.Name} {best.Score:0.00}");
/// </code></example>
public sealed class Predictor : ImagePredictor
{
    // With a single image each, convolutions gain less from their thread than they lose (DeepLabV3: 7 %).
    private const int FewestSideBySide = 2;

    private readonly Session _session;
    private readonly PredictorOptions _options;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly ConvNormFusion _fusion = new();
    private readonly Lazy<SideBySide?> _sideBySide;
    private readonly int _batchSize;
    private readonly PredictionThresholds _thresholds;

    private Predictor(Session session, PredictorOptions options, IReadOnlyDictionary<string, double> thresholds)
    {
        (_session, _options) = (session, options);
        _thresholds = new PredictionThresholds(session.TrainedOn!, options.Thresholds(session.TrainedOn!, thresholds));
        _pipeline = PredictionPipeline.Build(session);
        var evaluation = session.Options.Test ?? session.Options.Val;
        _batchSize = options.BatchSize ?? Math.Min(evaluation?.Loader?.BatchSize ?? 16, 16); // images of all sizes come one by one
        Model = session.Model;
        _sideBySide = new Lazy<SideBySide?>(() =>
            session.Device.type == DeviceType.CPU && Threads.Count > 1 && SideBySide.IsAvailable && Model.PredictsSideBySide
                ? new SideBySide(Threads.Count)
                : null
        );
    }

    public override DataInfo Data => _session.TrainedOn!;

    public VisionModel Model { get; }

    /// <summary>By class name, the score from which on a prediction is believed, where the checkpoint says (tools/find-threshold): boxes
    /// that score less are left out. Empty where it doesn't, or where <see cref="PredictorOptions.ScoreThr"/> is given.</summary>
    public override IReadOnlyDictionary<string, double> Thresholds => _thresholds.ByName;

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that <paramref name="options"/>
    /// doesn't name.</exception>
    public static Predictor Load(string checkpoint, PredictorOptions? options = null)
    {
        options ??= new PredictorOptions();
        var opened = Checkpoint.Open(checkpoint);
        try
        {
            options.RequireFits(opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
        var thresholds = opened.Info.ScoreThresholds;
        var session = Session.OfCheckpoint(opened, options.ToSession(opened.Info.Data.Task));
        return session.HandOver(opened => new Predictor(opened, options, thresholds));
    }

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

    /// <summary>Predicts a grey image and forgets it, so that the first real one doesn't wait for code and memory to be made
    /// ready.</summary>
    /// <param name="height">Of the image, as those that will come.</param>
    /// <param name="width">Of the image.</param>
    /// <param name="together">How many at once.</param>
    public void WarmUp(int height = 224, int width = 224, int together = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(together, 1);
        var grey = new Image(height, width, 3);
        grey.Bytes.AsSpan().Fill(128);
        _ = Predict([.. Enumerable.Repeat(Prepare(PredictionInput.InMemory(0, grey)), together)]);
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        if (_sideBySide is { IsValueCreated: true, Value: { } threads })
            threads.Dispose();
        _fusion.Dispose();
        _session.Dispose();
    }

    protected override Prediction PredictSample(Sample sample)
    {
        using var loader = Loader(new PredictionInputs([() => sample], Data), new LoaderOptions(1, Workers: 0));
        return loader.Epoch(0).SelectMany(Run).Single().Prediction;
    }

    /// <summary>An image as the model's pipeline makes it. Safe to call from several threads at once.</summary>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    internal PreparedImage Prepare(Sample sample)
    {
        try
        {
            foreach (var step in _pipeline)
                sample = step.Apply(sample, new RandomSource(0));
            return new PreparedImage(sample.Name, sample.Image!, sample.Geometry);
        }
        catch (Exception error) when (error is UserErrorException or IOException or InvalidDataException or UnauthorizedAccessException)
        {
            var named = error.Message.Contains(sample.Name, StringComparison.Ordinal);
            throw new UserErrorException(named ? error.Message : $"{sample.Name}: {error.Message}", error);
        }
    }

    /// <summary>Predicts images of one size in one step.</summary>
    internal IReadOnlyList<Prediction> Predict(IReadOnlyList<PreparedImage> images)
    {
        var inputs = new PredictionInputs([.. images.Select((image, i) => (Func<Sample>)(() => image.ToSample(i)))], Data);
        using var loader = Loader(inputs, new LoaderOptions(images.Count, Workers: 0), []);
        return [.. loader.Epoch(0).SelectMany(Run).Select(one => one.Prediction)];
    }

    private IBatchLoader Loader(Dataset inputs, LoaderOptions options, IReadOnlyList<Transform>? pipeline = null) =>
        _session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(inputs, pipeline ?? _pipeline, null, options, seed: 0, training: false);

    private IReadOnlyList<(string Path, Prediction Prediction)> Run(Batch loaded)
    {
        using var batch = loaded;
        _session.Place(batch);
        return [.. batch.Samples.Select(sample => sample.Name).Zip(Whole(batch).Select(_thresholds.Apply))];
    }

    /// <summary>The batch's predictions; where each of libtorch's threads gets several images, every thread takes a part of its
    /// own.</summary>
    private IEnumerable<Prediction> Whole(Batch batch)
    {
        if (batch.Count < FewestSideBySide * Threads.Count || _sideBySide.Value is not { } threads)
            return Part(batch, 0, batch.Count);
        var found = new IReadOnlyList<Prediction>[threads.Parts];
        threads.Run(found.Length, i => found[i] = Part(batch, First(i), First(i + 1) - First(i)));
        return found.SelectMany(part => part);

        int First(int part) => (int)((long)batch.Count * part / threads.Parts);
    }

    private IReadOnlyList<Prediction> Part(Batch batch, int first, int count)
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using var autocast = _session.Precision.Enter(_session.Device.type);
        using var fused = _options.FuseNorms ? _fusion.Enter() : default(IDisposable);
        var part = count == batch.Count ? batch : batch.Part(first, count);
        return ShapeMistake.Guard(Model, part, () => Model.Predict(part));
    }
}
