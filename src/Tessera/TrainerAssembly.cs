using Tessera.Framework.Checkpoints;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Loops;

namespace Tessera;

/// <summary>Brings together what a <see cref="Trainer"/> is made of.</summary>
internal static class TrainerAssembly
{
    /// <param name="config">As it is written into checkpoints.</param>
    /// <param name="loop">What comes after what, and for how long.</param>
    /// <param name="command">How the user starts the run again, for messages.</param>
    public static TrainerParts Assemble(
        Session session,
        string workDir,
        IRunOutput output,
        ConfigDocument config,
        Loop loop,
        string? command
    )
    {
        var (options, train) = (session.Options, session.Options.Train!);
        var (trainLoader, model) = (session.Data.Loader(DataPart.Train), session.Model);
        var evaluates = Evaluates(options, loop);
        var optimizers = options.Optimizer!.BuildAll(session.Services);
        OptimizerSet.Require(model, [.. optimizers.Keys]);
        if (options.Pipeline is not null)
            RequireWholeMicroBatches(options.Pipeline, train.Loader ?? new(), trainLoader);
        return new TrainerParts
        {
            Model = model,
            TrainLoader = trainLoader,
            ValLoader = evaluates ? session.Data.Loader(DataPart.Val) : null,
            Metrics = evaluates ? CreateMetrics(session) : new Dictionary<string, Metric>(),
            Loop = loop,
            Step = train,
            Optimizers = optimizers,
            Schedule = [.. (options.Schedule ?? []).Select(spec => spec.Build(session.Services))],
            Penalties = train.Penalties.BuildAll(session.Services),
            Hooks = DefaultHooks.Build(session, session.Data[DataPart.Train].Info),
            Device = session.Device,
            Precision = session.Precision,
            ChannelsLast = session.ChannelsLast,
            Seed = options.Seed,
            Group = session.Group,
            Processes = options.Processes ?? new(),
            Pipeline = options.Pipeline is { } pipeline ? new(pipeline, () => trainLoader.Epoch(0).First()) : null,
            WorkDir = workDir,
            Output = output,
            Command = command,
            Config = config,
            Source = ModelInitialization.SourceOf(model),
        };
    }

    /// <summary>Loads data and model, and writes into the log what they are to run on.</summary>
    public static IReadOnlyList<(string Name, string Value)> TellEnvironment(Session session)
    {
        _ = (session.Data.Loader(DataPart.Train), session.Model);
        var environment = EnvironmentReport.Collect(
            session.Device,
            session.Precision,
            session.Group,
            session.Options.Seed,
            session.ChannelsLast
        );
        EnvironmentReport.Write(environment);
        return environment;
    }

    /// <summary>Whether the run is evaluated.</summary>
    public static bool Evaluates(RunOptions options, Loop loop) => options.Val is not null && loop.ValidateEvery > 0;

    // An epoch's last batch, too; a sampler may change how many samples there are.
    private static void RequireWholeMicroBatches(PipelineOptions pipeline, LoaderOptions options, IBatchLoader loader)
    {
        var (size, samples) = (options.BatchSize, loader.Dataset.Count);
        if (size % pipeline.MicroBatches != 0)
            throw new UserErrorException(
                $"pipeline.micro_batches: {pipeline.MicroBatches} micro-batches don't divide train.loader.batch_size, {size}."
            );
        var rest = options.DropLast || loader.BatchesPerEpoch != (samples + size - 1) / size ? 0 : samples % size;
        if (rest % pipeline.MicroBatches != 0)
            throw new UserErrorException(
                $"pipeline.micro_batches: {pipeline.MicroBatches} micro-batches don't divide an epoch's last batch of {rest} images. Set "
                    + "train.loader.drop_last to true, or change train.loader.batch_size."
            );
    }

    private static IReadOnlyDictionary<string, Metric> CreateMetrics(Session session)
    {
        var metrics = session.Data.CreateMetrics(DataPart.Val);
        foreach (var metric in metrics.Values)
            metric.Reset(session.Data[DataPart.Val].Info); // one that doesn't fit the data says so now, not after an epoch
        return metrics;
    }
}
