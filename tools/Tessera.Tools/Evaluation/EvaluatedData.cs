using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Tools.Output;
using Tessera.Torch;
using TorchSharp;

namespace Tessera.Tools.Evaluation;

/// <summary>A config's data to evaluate on (test, or val where there is no test), and what a checkpoint or stored predictions say of
/// it.</summary>
internal sealed class EvaluatedData : IDisposable
{
    private readonly ConfigDocument _document;
    private readonly ServiceProvider _services;
    private readonly RunBuilder _builder;
    private readonly EvaluationOptions _evaluation;

    private EvaluatedData(string config, string[] overrides, string? source)
    {
        _document = ConfigDocument.Load(config, overrides);
        _services = Composition.Services(_document, ToolConsole.Current.Note).BuildServiceProvider();
        var components = _services.GetRequiredService<ComponentBuilder>();
        if (source is not null && !StoredPredictions.Are(source))
            _document = AsTrained(_document, components, source);
        var options = components.Bind<RunOptions>(_document);
        _evaluation =
            options.Test
            ?? options.Val
            ?? throw new UserErrorException($"{config}: it has neither test nor val, so there is nothing to evaluate on.");
        Part = options.Test is null ? "val" : "test";
        _builder = new RunBuilder(options, _services);
        Dataset = _builder.Dataset(_evaluation.Dataset);
        RunBuilder.CheckData(Dataset, $"{Part}.dataset", _evaluation.Loader, ToolConsole.Current.Warning, ToolConsole.Current.Note);
    }

    /// <param name="device">In place of the config's.</param>
    /// <param name="source">What will be evaluated, where it is known: options that the config leaves out are a checkpoint's own.</param>
    public static EvaluatedData Open(string config, string? device, string[] overrides, string? source = null) =>
        new(config, device is null ? overrides : [.. overrides, $"device={device}"], source);

    /// <summary>test or val.</summary>
    public string Part { get; }

    public Dataset Dataset { get; }

    /// <summary>The config's metrics.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics() => _builder.Metrics(_evaluation, Dataset.Info);

    /// <summary>The sample with what it is measured by, in its own size; its image unread.</summary>
    public Sample Truth(int index)
    {
        var sample = Dataset.Get(index);
        foreach (var step in Dataset.Pipeline)
            if (step.ReadsTruth)
                sample = step.Apply(sample, new RandomSource(0));
        return sample;
    }

    /// <param name="observe">Sees every prediction.</param>
    public IReadOnlyDictionary<string, double> Run(
        string source,
        Precision precision,
        PretrainedOptions weights,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        if (!StoredPredictions.Are(source))
            return OfCheckpoint(source, precision, weights, metrics, observe);
        WeightArguments.RequireNone(weights, source, "a file of predictions", classes: true);
        return OfStored(source, metrics, observe);
    }

    public IReadOnlyDictionary<string, double> OfStored(
        string path,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        foreach (var metric in metrics.Values)
            metric.Reset(Dataset.Info);
        var predict = StoredPredictions.Open(path, Dataset);
        var nonFinite = new NonFinitePredictions();
        var advance = new Advance("evaluating");
        for (var i = 0; i < Dataset.Count; i++)
        {
            var sample = Truth(i);
            var prediction = predict(sample);
            nonFinite.See([prediction], [sample]);
            foreach (var metric in metrics.Values)
                metric.Process([prediction], [sample]);
            observe?.Invoke(sample, prediction);
            advance.Report(i + 1, Dataset.Count);
        }
        if (nonFinite.Text is { } warning)
            ToolConsole.Current.Warning(warning);
        return nonFinite.Judge(Evaluator.Values(metrics));
    }

    public IReadOnlyDictionary<string, double> OfCheckpoint(
        string checkpoint,
        Precision precision,
        PretrainedOptions weights,
        IReadOnlyDictionary<string, Metric> metrics,
        Action<Sample, Prediction>? observe
    )
    {
        using var log = ToolConsole.Current.ShowLog();
        _builder.StartTensorLibrary();
        var on = DeviceChoice.Resolve(_builder.Options.Device);
        var chosen = PrecisionChoice.Resolve(precision, on.type);
        var (trainedOn, order) = weights.MatchClasses == ClassMatch.InOrder ? (Dataset.Info, null) : Classes(checkpoint, Dataset.Info);
        using var model = _builder.Model(trainedOn);
        LoadWeights(model, checkpoint, trainedOn, weights, _document);
        model.to(on);
        var channelsLast = _builder.ChannelsLast(model, on, chosen);
        if (channelsLast)
            model.ToChannelsLast();

        using var loader = _builder.EvaluationLoader(Dataset, _evaluation, new SingleProcess());
        ToolConsole.Current.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Dataset.Count} samples of {Dataset.Info.Classes.Count} classes, {chosen.Reason}, on {on}"
            )
        );
        var evaluator = new Evaluator
        {
            Loader = loader,
            Metrics = metrics,
            Device = on,
            Precision = chosen,
            ChannelsLast = channelsLast,
            Order = order,
            Observe = observe is null
                ? null
                : (predictions, samples) =>
                {
                    for (var i = 0; i < samples.Count; i++)
                        observe(samples[i], predictions[i]);
                },
            Advance = new Advance("evaluating").Report,
        };
        var values = evaluator.Run(model);
        if (evaluator.NonFinite.Text is { } warning)
            ToolConsole.Current.Warning(warning);
        foreach (var (name, reason) in loader.Skipped)
            ToolConsole.Current.Note(SkippedSample.Line(name, reason));
        if (Evaluator.Coverage(values) is { } coverage)
            ToolConsole.Current.Warning(coverage);
        return values;
    }

    /// <summary>A config with what it leaves out as a checkpoint of Tessera's has it; for any other file the config itself.</summary>
    internal static ConfigDocument AsTrained(ConfigDocument document, ComponentBuilder components, string path)
    {
        if (!File.Exists(path) || !Checkpoint.IsCheckpoint(path))
            return document;
        using var checkpoint = Checkpoint.Open(path);
        return EarlierDefaults.With(document, components, checkpoint.Info.Config, ToolConsole.Current.Note);
    }

    internal static void LoadWeights(VisionModel model, string path, DataInfo data, PretrainedOptions weights, ConfigDocument document)
    {
        if (!Checkpoint.IsCheckpoint(path))
        {
            ForeignWeights.LoadWhole(model, path, data, weights with { Checkpoint = path });
            return;
        }
        WeightArguments.RequireNone(weights, path, "a checkpoint of Tessera's", classes: false);
        using var checkpoint = Checkpoint.Open(path);
        checkpoint.RequireClasses(data, byName: weights.MatchClasses == ClassMatch.ByName);
        checkpoint.LoadModel(model, weights.Weights == WeightChoice.Averaged, document);
        ToolConsole.Current.Note(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{path}: epoch {checkpoint.Info.Epoch}, iteration "
                    + $"{checkpoint.Info.Iteration}{(weights.Weights == WeightChoice.Averaged && checkpoint.HasAveraged ? ", averaged weights" : "")}"
            )
        );
    }

    /// <summary>The classes to build the model for: the checkpoint's, where they are the data's in another order.</summary>
    private static (DataInfo Model, ClassOrder? Order) Classes(string path, DataInfo data)
    {
        if (!Checkpoint.IsCheckpoint(path))
            return (data, null);
        using var checkpoint = Checkpoint.Open(path);
        if (ClassOrder.Between(checkpoint.Info.Data, data) is not { } order)
            return (data, null);
        ToolConsole.Current.Note("The data names the checkpoint's classes in another order; predictions are brought into the data's.");
        return (checkpoint.Info.Data, order);
    }

    public void Dispose() => _services.Dispose();
}
