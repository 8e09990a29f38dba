using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Runtime;
using Tessera.Tools.Output;
using TorchSharp;

namespace Tessera.Tools.Commands;

/// <summary>Evaluates a checkpoint on a config's data.</summary>
internal static class TestCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = new Argument<string>("CHECKPOINT") { Description = "A checkpoint of tools/train, or published weights (.safetensors, .pth, .pt, .th)." };
        var output = new Option<string?>("--out") { Description = "Write the metrics there: a flat JSON object of fractions.", HelpName = "metrics.json" };
        var predictions = new Option<string?>("--predictions") { Description = "Write every prediction there: one JSON line each, or, for segmentation maps, a folder of PNGs of class indices.", HelpName = "PATH" };
        var show = new Option<string?>("--show-dir") { Description = "Write pictures there: image, prediction and truth side by side.", HelpName = "DIR" };
        var score = new Option<double?>("--score-thr") { Description = "Detectors: only boxes that score more; in place of the config's model.test.score_thr.", HelpName = "SCORE" };
        var device = CommandLine.Device();
        var precision = CommandLine.Precision();
        var weights = CommandLine.Weights();
        var overrides = CommandLine.CfgOptions();
        var command = new Command("test", "Evaluates a checkpoint on a config's data (test, or val where there is no test).")
            { config, checkpoint, output, predictions, show, score, device, precision, weights, overrides };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(config), parsed.GetRequiredValue(checkpoint), parsed.GetValue(output), parsed.GetValue(predictions), parsed.GetValue(show),
            parsed.GetValue(device), parsed.GetValue(precision), parsed.GetValue(weights), [.. parsed.GetRequiredValue(overrides), .. ScoreThreshold(parsed.GetValue(score))]));
        return command;
    }

    private static IEnumerable<string> ScoreThreshold(double? score) =>
        score is null ? [] : [string.Create(CultureInfo.InvariantCulture, $"model.test.score_thr={score}")];

    private static int Run(string config, string checkpoint, string? output, string? predictions, string? show, string? device, Precision precision, WeightChoice weights, string[] overrides)
    {
        var document = ConfigDocument.Load(config, device is null ? overrides : [.. overrides, $"device={device}"]);
        using var services = Composition.Services(document, Console.Error.WriteLine).BuildServiceProvider();
        var options = services.GetRequiredService<ComponentBuilder>().Bind<RunOptions>(document);
        var evaluation = options.Test ?? options.Val ?? throw new UserErrorException($"{config}: it has neither test nor val, so there is nothing to evaluate on.");
        var builder = new RunBuilder(options, services);
        var runtime = builder.StartRuntime();
        var on = DeviceChoice.Resolve(options.Device);
        var chosen = PrecisionChoice.Resolve(precision, on.type, runtime);

        var dataset = builder.Dataset(evaluation.Dataset);
        RunBuilder.CheckData(dataset, options.Test is null ? "val.dataset" : "test.dataset", evaluation.Loader, Console.Error.WriteLine, Console.Error.WriteLine);
        var (trainedOn, order) = Classes(checkpoint, dataset.Info);
        using var model = builder.Model(trainedOn);
        LoadWeights(model, checkpoint, trainedOn, weights, document);
        model.to(on);
        var channelsLast = builder.ChannelsLast(model, on, chosen);
        if (channelsLast) model.ToChannelsLast(runtime);

        var metrics = builder.Metrics(evaluation, dataset.Info);
        if (metrics.Count == 0 && predictions is null && show is null)
            throw new UserErrorException($"{config}: {(options.Test is null ? "val" : "test")}.metrics is empty, so there is nothing to measure. For example: \"metrics\": {{ \"accuracy\": {{ \"type\": \"Accuracy\" }} }}.");
        using var loader = builder.EvaluationLoader(dataset, evaluation, new SingleProcess());
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{dataset.Count} samples of {dataset.Info.Classes.Count} classes, {chosen.Reason}, on {on}"));

        var pictures = show is null ? null : new PredictionPictures(show, dataset);
        var values = WithPredictions(predictions, dataset, pictures, observe => new Evaluator
        {
            Loader = loader,
            Metrics = metrics,
            Device = on,
            Runtime = runtime,
            Precision = chosen,
            ChannelsLast = channelsLast,
            Order = order,
            Observe = observe,
            Advance = new Advance("evaluating").Report,
        }.Run(model));
        foreach (var (name, reason) in loader.Skipped) Console.Error.WriteLine(SkippedSample.Line(name, reason));
        Show(values, metrics);
        if (output is not null)
        {
            MetricFiles.Write(output, values);
            MetricFiles.WriteDetails(output, metrics);
        }
        return 0;
    }

    internal static void LoadWeights(VisionModel model, string path, DataInfo data, WeightChoice weights, ConfigDocument document)
    {
        if (!Checkpoint.IsCheckpoint(path))
        {
            ForeignWeights.LoadWhole(model, path, data);
            return;
        }
        using var checkpoint = Checkpoint.Open(path);
        checkpoint.RequireClasses(data);
        checkpoint.LoadModel(model, weights == WeightChoice.Averaged, System.Text.Json.Nodes.JsonNode.Parse(document.ResolvedText())!.AsObject());
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{path}: epoch {checkpoint.Info.Epoch}, iteration {checkpoint.Info.Iteration}{(weights == WeightChoice.Averaged && checkpoint.HasAveraged ? ", averaged weights" : "")}"));
    }

    /// <summary>The classes to build the model for: the checkpoint's, where they are the data's in another order.</summary>
    private static (DataInfo Model, ClassOrder? Order) Classes(string path, DataInfo data)
    {
        if (!Checkpoint.IsCheckpoint(path)) return (data, null);
        using var checkpoint = Checkpoint.Open(path);
        if (ClassOrder.Between(checkpoint.Info.Data, data) is not { } order) return (data, null);
        Console.Error.WriteLine("The data names the checkpoint's classes in another order; predictions are brought into the data's.");
        return (checkpoint.Info.Data, order);
    }

    private static IReadOnlyDictionary<string, double> WithPredictions(string? path, Dataset dataset, PredictionPictures? pictures,
        Func<Action<IReadOnlyList<Prediction>, IReadOnlyList<Sample>>?, IReadOnlyDictionary<string, double>> evaluate)
    {
        if (path is null) return evaluate(pictures is null ? null : Each(pictures.Write));
        if (dataset.Info.Task == DataTask.Segmentation)
        {
            var maps = new PredictionMaps(path, dataset);
            return evaluate(Each((sample, prediction) =>
            {
                maps.Write(sample.Name, prediction);
                pictures?.Write(sample, prediction);
            }));
        }
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);
        IReadOnlyDictionary<string, double>? values = null;
        AtomicFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            var lines = new PredictionLines(writer, dataset.Info);
            values = evaluate(Each((sample, prediction) =>
            {
                lines.Write(sample.Name, prediction, sample);
                pictures?.Write(sample, prediction);
            }));
        });
        return values!;

        static Action<IReadOnlyList<Prediction>, IReadOnlyList<Sample>> Each(Action<Sample, Prediction> write) => (predictions, samples) =>
        {
            for (var i = 0; i < samples.Count; i++) write(samples[i], predictions[i]);
        };
    }

    private static void Show(IReadOnlyDictionary<string, double> values, IReadOnlyDictionary<string, Metric> metrics)
    {
        foreach (var table in metrics.Values.SelectMany(metric => metric.Tables())) Console.WriteLine(TextTable.Format(table));
        var shown = values.Where(value => !metrics.Values.Any(metric => metric.InTables(value.Key))).ToArray();
        var width = shown.Select(value => value.Key.Length).DefaultIfEmpty().Max();
        foreach (var (name, value) in shown)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name.PadRight(width)}  {value:0.0000}"));
        foreach (var note in metrics.Values.SelectMany(metric => metric.Notes())) Console.WriteLine(note);
    }
}
