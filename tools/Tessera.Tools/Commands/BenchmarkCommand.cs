using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Tools.Costs;
using Tessera.Tools.Evaluation;
using Tessera.Tools.Output;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.Commands;

/// <summary>How many images a second an evaluation does, and where the time goes.</summary>
internal static class BenchmarkCommand
{
    public static Command Create()
    {
        var config = CommandLine.Config();
        var checkpoint = CheckpointArgument.Optional(
            "A checkpoint, or published weights. Random weights without it; what a detector finds, and so its post-processing, "
                + "depends on them."
        );
        var batches = CommandLine.Option<int>("--batches", "N", 50, "How many batches are measured. Default: 50.");
        var warmup = CommandLine.Option<int>("--warmup", "N", 5, "How many go before them unmeasured. Default: 5.");
        var output = CommandLine.Option<string?>("--out", "benchmark.json", "Write the figures there as JSON.");
        var model = new EvaluationArguments();
        var command = new Command(
            "benchmark",
            "Measures images per second of an evaluation: data, forward, post-processing, and all together."
        )
        {
            config,
            checkpoint,
            batches,
            warmup,
            output,
        };
        model.AddTo(command);
        command.SetAction(parsed =>
            Run(
                parsed.GetRequiredValue(config),
                parsed.GetValue(checkpoint),
                parsed.GetValue(batches),
                parsed.GetValue(warmup),
                parsed.GetValue(output),
                model.Session(parsed),
                model.Weights(parsed)
            )
        );
        return command;
    }

    private static int Run(
        string config,
        string? checkpoint,
        int batches,
        int warmup,
        string? output,
        SessionOptions options,
        PretrainedOptions weights
    )
    {
        if (batches < 1)
            throw new UserErrorException($"--batches is {batches}; at least 1 was expected.");
        if (warmup < 0)
            throw new UserErrorException($"--warmup is {warmup}; 0 or more was expected.");
        using var session = Session.Open(config, options with { Weights = checkpoint, Note = ToolConsole.Current.Note });
        var part = session.Data.EvaluatedPart;
        var evaluation = session.Data.Evaluation(part);
        var (on, chosen, dataset) = (session.Device, session.Precision, session.Data[part]);
        using var model = checkpoint is null
            ? session.CreateModel(dataset.Info)
            : EvaluatedData.ModelFor(session, checkpoint, dataset.Info);
        using var log = ToolConsole.Current.ShowLog();
        if (checkpoint is not null)
            EvaluatedData.LoadWeights(model, checkpoint, dataset.Info, weights, session.Document);
        model.eval();
        var channelsLast = session.Place(model);
        var loader = session.Data.Loader(part);

        var workers = evaluation.Loader?.Workers ?? new LoaderOptions().Workers;
        ToolConsole.Current.Line(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{model.GetName()}, {(checkpoint is null ? "random weights" : checkpoint)}; {Counted.Of(dataset.Count, "image")} in "
                    + $"batches of "
                    + $"{evaluation.Loader?.BatchSize ?? 1}; {chosen.Reason}, on {on}; {Counted.Of(Threads.Count, "thread")} of the "
                    + $"tensor library, "
                    + $"{workers} of the loader; {Counted.Of(warmup, "batch", "batches")} before {batches} measured"
            )
        );
        var rows = Measure(session, model, loader, channelsLast, warmup, batches);
        ToolConsole.Current.Table(
            ["", "images/s", "ms an image, median", "10 %", "90 %"],
            rows.Select(row =>
                new[]
                {
                    row.Name,
                    Number(row.Timing.ImagesPerSecond, "0.0"),
                    Number(row.Timing.Median, "0.000"),
                    Number(row.Timing.Tenth, "0.000"),
                    Number(row.Timing.Ninetieth, "0.000"),
                }
            )
        );
        if (output is not null)
            Write(output, session, evaluation.Loader ?? new LoaderOptions(1), workers, batches, rows);
        return 0;
    }

    /// <summary>Reads the batches alone first, then predicts them.</summary>
    private static (string Name, string Key, Timing Timing)[] Measure(
        Session session,
        VisionModel model,
        IBatchLoader loader,
        bool channelsLast,
        int warmup,
        int batches
    )
    {
        var (on, chosen) = (session.Device, session.Precision);
        var data = new List<(double Seconds, int Images)>();
        foreach (var (_, seconds, images) in Batches(loader, warmup + batches, dispose: true))
            data.Add((seconds, images));

        var (forward, post, whole) = (new List<(double, int)>(), new List<(double, int)>(), new List<(double, int)>());
        using (no_grad())
        using (var clock = new ForwardClock(model, on))
        {
            var last = Stopwatch.GetTimestamp();
            foreach (var (batch, _, images) in Batches(loader, warmup + batches, dispose: false))
            {
                using var owned = batch;
                using var scope = NewDisposeScope();
                batch.To(on);
                if (channelsLast)
                    batch.ToChannelsLast();
                ForwardClock.Synchronize(on);
                var begun = Stopwatch.GetTimestamp();
                using (chosen.Enter(on.type))
                    ShapeMistake.Guard(model, batch, () => model.Predict(batch));
                ForwardClock.Synchronize(on);
                var predicted = Stopwatch.GetElapsedTime(begun).TotalSeconds;
                var within = clock.Take().TotalSeconds;
                forward.Add((within, images));
                post.Add((predicted - within, images));
                whole.Add((Stopwatch.GetElapsedTime(last).TotalSeconds, images));
                last = Stopwatch.GetTimestamp();
            }
        }

        return
        [
            ("data (reading alone)", "data", Timing.Of(data, warmup)),
            ("forward", "forward", Timing.Of(forward, warmup)),
            ("post-processing", "post_processing", Timing.Of(post, warmup)),
            ("all, data read ahead", "all", Timing.Of(whole, warmup)),
        ];
    }

    private static void Write(
        string output,
        Session session,
        LoaderOptions loader,
        int workers,
        int batches,
        (string Name, string Key, Timing Timing)[] rows
    )
    {
        var json = new JsonObject
        {
            ["threads"] = Threads.Count,
            ["workers"] = workers,
            ["batch_size"] = loader.BatchSize,
            ["device"] = session.Device.ToString(),
            ["batches"] = batches,
        };
        foreach (var (_, key, timing) in rows)
            json[key] = new JsonObject
            {
                ["images_per_second"] = timing.ImagesPerSecond,
                ["ms_per_image_median"] = timing.Median,
                ["ms_per_image_p10"] = timing.Tenth,
                ["ms_per_image_p90"] = timing.Ninetieth,
            };
        MetricFiles.Write(output, json);
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>That many batches, over as many epochs as it takes, each with the time it was waited for.</summary>
    private static IEnumerable<(Batch Batch, double Seconds, int Images)> Batches(IBatchLoader loader, int count, bool dispose)
    {
        for (int done = 0, epoch = 0; done < count; epoch++)
        {
            var before = done;
            var asked = Stopwatch.GetTimestamp();
            foreach (var batch in loader.Epoch(epoch))
            {
                var seconds = Stopwatch.GetElapsedTime(asked).TotalSeconds;
                var images = batch.Count;
                if (dispose)
                    batch.Dispose();
                yield return (batch, seconds, images);
                if (++done == count)
                    yield break;
                asked = Stopwatch.GetTimestamp();
            }
            if (done == before)
                throw new UserErrorException("No sample of the data set can be read.");
        }
    }

    /// <param name="ImagesPerSecond">All images over all time.</param>
    /// <param name="Median">Milliseconds an image, over batches.</param>
    private sealed record Timing(double ImagesPerSecond, double Median, double Tenth, double Ninetieth)
    {
        public static Timing Of(IReadOnlyList<(double Seconds, int Images)> batches, int warmup)
        {
            var measured = batches.Skip(warmup).ToArray();
            var each = measured.Select(batch => 1000 * batch.Seconds / batch.Images).Order().ToArray();
            var seconds = Math.Max(measured.Sum(batch => batch.Seconds), 1e-9);
            return new(measured.Sum(batch => batch.Images) / seconds, At(0.5), At(0.1), At(0.9));

            double At(double share) => each[(int)Math.Round(share * (each.Length - 1))];
        }
    }
}
