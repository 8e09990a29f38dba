using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Framework.Visualization;
using Tessera.Models.Layers;
using Tessera.Pictures;
using Tessera.Results;
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
public sealed class Predictor : IDisposable
{
    private static readonly LoadImage s_load = new(new LoadImageOptions());

    private readonly Session _session;
    private readonly PredictorOptions _options;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly ConvNormFusion _fusion = new();
    private readonly int _batchSize;
    private readonly PredictionThresholds _thresholds;

    private Predictor(Session session, PredictorOptions options, IReadOnlyDictionary<string, double> thresholds)
    {
        (_session, _options) = (session, options);
        _thresholds = new PredictionThresholds(
            session.TrainedOn!,
            options.ScoreThr is null ? thresholds : new Dictionary<string, double>()
        );
        _pipeline = PredictionPipeline.Build(session);
        var evaluation = session.Options.Test ?? session.Options.Val;
        _batchSize = options.BatchSize ?? Math.Min(evaluation?.Loader?.BatchSize ?? 16, 16); // images of all sizes come one by one
        Model = session.Model;
    }

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data => _session.TrainedOn!;

    public VisionModel Model { get; }

    /// <summary>By class name, the score from which on a prediction is believed, where the checkpoint says (tools/find-threshold): boxes
    /// that score less are left out. Empty where it doesn't, or where <see cref="PredictorOptions.ScoreThr"/> is given.</summary>
    public IReadOnlyDictionary<string, double> Thresholds => _thresholds.ByName;

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
        var session = Session.OfCheckpoint(opened, options.ToSession());
        return session.HandOver(opened => new Predictor(opened, options, thresholds));
    }

    /// <summary>What the model makes of an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Prediction Predict(string path) => Single(PredictionInput.File(0, path));

    /// <summary>What the model makes of an image in memory (RGB).</summary>
    public Prediction Predict(Image image) => Single(PredictionInput.InMemory(0, image));

    /// <summary>What the model makes of an image file in memory, of any format that can be read.</summary>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Prediction Predict(ReadOnlyMemory<byte> file, string name = "image") => Single(PredictionInput.Encoded(0, file, name));

    /// <summary>What the model makes of an image file from a stream, which is read to its end.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Prediction Predict(Stream stream, string name = "image") => Single(PredictionInput.FromStream(0, stream, name));

    /// <summary>Predictions for many files, in order, read ahead by threads. A file that can't be read is left out.</summary>
    /// <param name="unreadable">Told which file was left out, and why.</param>
    public IEnumerable<(string Path, Prediction Prediction)> Predict(IReadOnlyList<string> paths, Action<string, string>? unreadable = null)
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

    /// <summary>What the model makes of an image file, with names: <see cref="Classification"/>, <see cref="Detections"/>,
    /// <see cref="Segmentation"/> or <see cref="Regression"/>.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Result Recognize(string path) => Named(Predict(path));

    /// <summary>What the model makes of an image in memory (RGB), with names.</summary>
    public Result Recognize(Image image) => Named(Predict(image));

    /// <summary>What the model makes of an image file in memory, with names.</summary>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Result Recognize(ReadOnlyMemory<byte> file, string name = "image") => Named(Predict(file, name));

    /// <summary>What the model makes of an image file from a stream, with names.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="name">For messages.</param>
    /// <exception cref="UserErrorException">It can't be read as an image.</exception>
    public Result Recognize(Stream stream, string name = "image") => Named(Predict(stream, name));

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

    /// <summary>The classes of an image file, the most probable first.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Classification Classify(string path) => Named<Classification>(Predict(path));

    /// <summary>The classes of an image in memory (RGB), the most probable first.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Classification Classify(Image image) => Named<Classification>(Predict(image));

    /// <summary>The objects in an image file, the best first.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Detections Detect(string path) => Named<Detections>(Predict(path));

    /// <summary>The objects in an image in memory (RGB), the best first.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Detections Detect(Image image) => Named<Detections>(Predict(image));

    /// <summary>The class of every pixel of an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Segmentation Segment(string path) => Named<Segmentation>(Predict(path));

    /// <summary>The class of every pixel of an image in memory (RGB).</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Segmentation Segment(Image image) => Named<Segmentation>(Predict(image));

    /// <summary>The numbers that an image file shows.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Regression Measure(string path) => Named<Regression>(Predict(path));

    /// <summary>The numbers that an image in memory (RGB) shows.</summary>
    /// <exception cref="InvalidOperationException">The model is for another task.</exception>
    public Regression Measure(Image image) => Named<Regression>(Predict(image));

    /// <summary>Draws a result over its image: boxes, the map with a legend, or classes and numbers under it.</summary>
    /// <param name="path">The image that the result is of.</param>
    /// <param name="leastScore">Boxes that score less are left out.</param>
    /// <returns>The caller's to dispose; <see cref="Drawing.EncodePng"/> gives a file's content, <see cref="Drawing.ToImage"/> the
    /// pixels.</returns>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Drawing Draw(string path, Result result, double leastScore = PredictionDrawing.UsualScore) =>
        Draw(s_load.Apply(PredictionInput.File(0, path), new RandomSource(0)).Image!.Decode(), result, leastScore);

    /// <summary>The same over an image in memory.</summary>
    public Drawing Draw(Image image, Result result, double leastScore = PredictionDrawing.UsualScore) =>
        PredictionDrawing.Draw(image, result.Raw, Data, leastScore: leastScore);

    public void Dispose()
    {
        _fusion.Dispose();
        _session.Dispose();
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

    private Prediction Single(Sample sample)
    {
        using var loader = Loader(new PredictionInputs([() => sample], Data), new LoaderOptions(1, Workers: 0));
        return loader.Epoch(0).SelectMany(Run).Single().Prediction;
    }

    private IBatchLoader Loader(Dataset inputs, LoaderOptions options, IReadOnlyList<Transform>? pipeline = null) =>
        _session
            .Services.GetRequiredService<IBatchLoaderFactory>()
            .Create(inputs, pipeline ?? _pipeline, null, options, seed: 0, training: false);

    private IReadOnlyList<(string Path, Prediction Prediction)> Run(Batch loaded)
    {
        using var batch = loaded;
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        _session.Place(batch);
        using var autocast = _session.Precision.Enter(_session.Device.type);
        using var fused = _options.FuseNorms ? _fusion.Enter() : default(IDisposable);
        return
        [
            .. batch
                .Samples.Select(sample => sample.Name)
                .Zip(ShapeMistake.Guard(Model, batch, () => Model.Predict(batch)).Select(_thresholds.Apply)),
        ];
    }

    private Result Named(Prediction prediction) => Result.Of(prediction, Data, Thresholds);

    private T Named<T>(Prediction prediction)
        where T : Result =>
        Named(prediction) as T
        ?? throw new InvalidOperationException(
            $"The model is for {Data.Task}, whose results are {Result.Of(prediction, Data).GetType().Name}, not {typeof(T).Name}."
        );
}
