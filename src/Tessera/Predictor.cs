using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Models.Layers;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>How a <see cref="Predictor"/> works.</summary>
public sealed record PredictorOptions
{
    /// <summary>"auto", "cpu", "cuda" or "cuda:N".</summary>
    public string Device { get; init; } = "auto";

    public Precision Precision { get; init; } = Precision.Fp32;

    /// <summary>Plugins that the checkpoint's model needs: .dll, .csproj or .cs. A checkpoint's own are never loaded.</summary>
    public IReadOnlyList<string> Plugins { get; init; } = [];

    /// <summary>Told which plugins are built and loaded, with their SHA-256.</summary>
    public Action<string>? Note { get; init; }

    /// <summary>Detectors: only boxes that score more, in place of the config's model.test.score_thr.</summary>
    public double? ScoreThr { get; init; }

    /// <summary>Take the averaged weights where the checkpoint has them.</summary>
    public bool Averaged { get; init; } = true;

    /// <summary>Batch norms are worked into the convolutions before them: faster, and the same but for rounding.</summary>
    public bool FuseNorms { get; init; } = true;

    /// <summary>Images per step, where several are predicted at once; unset: as many as the config evaluates with, at most 16.</summary>
    public int? BatchSize { get; init; }

    /// <summary>Threads that read images ahead, where several are predicted at once.</summary>
    public int Workers { get; init; } = 2;
}

/// <summary>
/// A trained model, ready to use. The checkpoint carries everything: architecture, weights, transforms and class names.
/// Not safe to call from several threads at once.
/// </summary>
/// <example><code>
/// using var predictor = Predictor.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// var prediction = (ClassPrediction)predictor.Predict("cat.jpg");
/// Console.WriteLine(predictor.Data.Classes[prediction.Label]);
/// </code></example>
public sealed class Predictor : IDisposable
{
    private readonly PredictorOptions _options;
    private readonly ServiceProvider _services;
    private readonly IReadOnlyList<Transform> _pipeline;
    private readonly ConvNormFusion _fusion = new();
    private readonly Device _device;
    private readonly PrecisionChoice _precision;
    private readonly bool _channelsLast;
    private readonly int _batchSize;

    private Predictor(Checkpoint checkpoint, PredictorOptions options)
    {
        _options = options;
        if (options.ScoreThr is { } score && (checkpoint.Info.Data.Task != DataTask.Detection || score is not (>= 0 and <= 1)))
        {
            throw new UserErrorException(
                checkpoint.Info.Data.Task == DataTask.Detection
                    ? $"The threshold of scores is {score}; a number from 0 to 1 was expected."
                    : $"{checkpoint.Path}: its model finds no boxes, so there is none to leave out by a threshold of scores."
            );
        }
        var document = ConfigDocument.FromCheckpoint(
            SavedConfig.ForModel(checkpoint.Info.Config),
            checkpoint.Path,
            options.ScoreThr is { } threshold ? [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={threshold}")] : null,
            plugins: options.Plugins
        );
        _services = Composition.Services(document, options.Note).BuildServiceProvider();
        var components = _services.GetRequiredService<ComponentBuilder>();
        document = EarlierDefaults.OfCheckpoint(document, components);
        var config = components.Bind<RunOptions>(document);
        var builder = new RunBuilder(config, _services);
        Data = checkpoint.Info.Data;
        _pipeline = Pipeline(document, components);
        _batchSize = options.BatchSize ?? Math.Min((config.Test ?? config.Val)?.Loader?.BatchSize ?? 16, 16); // images of all sizes come one by one
        Threads.Set(0); // not the training machine's
        _device = DeviceChoice.Resolve(options.Device);
        _precision = PrecisionChoice.Resolve(options.Precision, _device.type);
        Model = builder.Model(Data);
        checkpoint.LoadModel(Model, options.Averaged, checkpoint.Info.Config);
        Model.eval();
        Model.to(_device);
        _channelsLast = builder.ChannelsLast(Model, _device, _precision);
        if (_channelsLast)
            Model.ToChannelsLast();
    }

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data { get; }

    public VisionModel Model { get; }

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that <paramref name="options"/>
    /// doesn't name.</exception>
    public static Predictor Load(string checkpoint, PredictorOptions? options = null)
    {
        using var opened = Checkpoint.Open(checkpoint);
        return new Predictor(opened, options ?? new PredictorOptions());
    }

    /// <summary>What the model makes of an image file.</summary>
    /// <exception cref="UserErrorException">The file can't be read as an image.</exception>
    public Prediction Predict(string path) => Single(PredictionInput.File(0, path));

    /// <summary>What the model makes of an image in memory (RGB).</summary>
    public Prediction Predict(Image image) => Single(PredictionInput.InMemory(0, image));

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

    public void Dispose()
    {
        _fusion.Dispose();
        Model.Dispose();
        _services.Dispose();
    }

    private Prediction Single(Sample sample)
    {
        using var loader = Loader(new PredictionInputs([() => sample], Data), new LoaderOptions(1, Workers: 0));
        return loader.Epoch(0).SelectMany(Run).Single().Prediction;
    }

    private IBatchLoader Loader(Dataset inputs, LoaderOptions options) =>
        _services.GetRequiredService<IBatchLoaderFactory>().Create(inputs, _pipeline, null, options, seed: 0, training: false);

    private IReadOnlyList<(string Path, Prediction Prediction)> Run(Batch loaded)
    {
        using var batch = loaded;
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        batch.To(_device);
        if (_channelsLast)
            batch.ToChannelsLast();
        using var autocast = _precision.Enter(_device.type);
        using var fused = _options.FuseNorms ? _fusion.Enter() : default(IDisposable);
        return [.. batch.Samples.Select(sample => sample.Name).Zip(ShapeMistake.Guard(Model, batch, () => Model.Predict(batch)))];
    }

    /// <summary>The transforms of the data that the model was tested on; without the data set, whose files may be elsewhere.</summary>
    private static List<Transform> Pipeline(ConfigDocument document, ComponentBuilder components)
    {
        var path =
            new[] { "test", "val", "train" }
                .Select(part => $"{part}.dataset.pipeline")
                .FirstOrDefault(path => document.Find(path) is ConfigList)
            ?? throw new UserErrorException(
                "The checkpoint's config has no pipeline (test.dataset.pipeline or val.dataset.pipeline), so it is unknown how an "
                    + "image becomes the model's input."
            );
        var steps = ((ConfigList)document.Find(path)!).Count;
        var built = Enumerable
            .Range(0, steps)
            .Select(i => components.Build(components.Describe<Transform>(document, $"{path}.{i}")))
            .Where(step => !step.ReadsTruth)
            .ToList();
        if (!built.OfType<LoadImage>().Any())
            built.Insert(0, new LoadImage(new LoadImageOptions())); // the data was drawn or held in memory
        return built;
    }
}
