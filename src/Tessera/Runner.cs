using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>A training run of a config: builds every part in its order, trains, and takes it all down.</summary>
public sealed class Runner : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private static readonly string[] s_defaultHooks = ["log", "nan_guard", "checkpoint"];

    private readonly List<IDisposable> _owned = [];

    private Runner(Trainer trainer) => Trainer = trainer;

    public Trainer Trainer { get; }

    /// <summary>Builds the run.</summary>
    /// <param name="services">Components and the loader factory.</param>
    /// <param name="workDir">Where it writes; by default what the config says, or work_dirs/NAME.</param>
    /// <param name="resume">Continue from the newest checkpoint of the work dir, where there is one.</param>
    /// <param name="overwrite">Begin anew where another run has begun before; its files are removed once the new run is built.</param>
    /// <exception cref="UserErrorException">The config, the data or the checkpoint has a mistake, or the work dir holds a run.</exception>
    public static Runner Create(
        ConfigDocument document,
        IServiceProvider services,
        string? workDir = null,
        bool resume = false,
        bool overwrite = false
    )
    {
        var components = services.GetRequiredService<ComponentBuilder>();
        var options = components.Bind<RunOptions>(document);
        var inherited = InheritedOptions.Find(services.GetRequiredService<ComponentRegistry>(), document);
        if (options.Train is null)
            throw new UserErrorException("train: the config has none, so there is nothing to train on. tools/test evaluates it.");
        if (options.Optimizer is null)
            throw new UserErrorException("optimizer: the config has none. For example: { \"type\": \"AdamW\", \"lr\": 0.001 }.");

        workDir = Path.GetFullPath(
            workDir ?? options.WorkDir ?? Path.Combine("work_dirs", Path.GetFileNameWithoutExtension(document.Path ?? "run"))
        );
        if (resume && overwrite)
            throw new UserErrorException("--resume goes on with the run in the work dir, --overwrite removes it. Give one of them.");
        if (!resume && !overwrite)
            WorkFolder.RequireFree(workDir);
        var former = overwrite ? WorkFolder.Entries(workDir) : [];

        var owned = new List<IDisposable>();
        try
        {
            var checkpoint = resume ? Latest(workDir) : null;
            if (checkpoint is not null)
                Own(checkpoint);
            document = checkpoint is null
                ? EarlierDefaults.Stated(document, components)
                : EarlierDefaults.With(document, components, checkpoint.Info.Config, text => s_log.LogInformation("{0}", text));
            options = components.Bind<RunOptions>(document);
            var (train, optimizer) = (options.Train!, options.Optimizer!);
            var loop = train.BuildLoop(services);
            var builder = new RunBuilder(options, services);
            builder.StartTensorLibrary();
            var device = DeviceChoice.Resolve(options.Device);
            var precision = PrecisionChoice.Resolve(options.Precision, device.type);
            var group = Own(ProcessGroups.FromEnvironment(device));
            if (group.Rank == 0)
                Directory.CreateDirectory(workDir);

            var output = Own(
                RunLog.Start(
                    workDir,
                    resume ? checkpoint?.Info.Iteration ?? 0 : null,
                    writes: group.Rank == 0,
                    evaluatesAgain: Trainer.OwesEvaluation(checkpoint)
                )
            );
            foreach (var option in inherited)
                s_log.LogWarning("{0}", option);
            if (resume && checkpoint is null)
                s_log.LogInformation("There is no checkpoint in {0} yet; the run begins anew.", workDir);
            string[] unwanted = [.. s_defaultHooks.Where(key => document.IsRemoved("hooks", key))];
            var saved = document.ForSaving(workDir, [.. unwanted.Select(key => $"hooks.{key}")]);

            manual_seed(options.Seed);
            if (device.type == DeviceType.CUDA)
                cuda.manual_seed_all(options.Seed);
            var dataset = builder.Dataset(train.Dataset);
            var valData = options.Val is { } evaluated && loop.ValidateEvery > 0 ? builder.Dataset(evaluated.Dataset) : null;
            RunBuilder.CheckAll(
                valData is null
                    ? [(dataset, "train.dataset", train.Loader)]
                    : [(dataset, "train.dataset", train.Loader), (valData, "val.dataset", options.Val!.Loader)],
                text => s_log.LogWarning("{0}", text),
                text => s_log.LogInformation("{0}", text)
            );
            RunBuilder.RequireBoxes(dataset);
            if (valData is not null)
                RunBuilder.RequireSameClasses(dataset, valData, "val.dataset");
            var trainLoader = Own(builder.TrainLoader(dataset, train, group));
            var model = Own(builder.InitializedModel(dataset.Info));
            var channelsLast = builder.ChannelsLast(model, device, precision);
            EnvironmentReport.Write(EnvironmentReport.Collect(device, precision, group, options.Seed, channelsLast));

            IBatchLoader? valLoader = null;
            IReadOnlyDictionary<string, Metric> metrics = new Dictionary<string, Metric>();
            if (valData is not null && options.Val is { } val)
            {
                valLoader = Own(builder.EvaluationLoader(valData, val, group));
                metrics = builder.Metrics(val, valData.Info);
                foreach (var metric in metrics.Values)
                    metric.Reset(valData.Info); // one that doesn't fit the data says so now, not after an epoch
            }
            var parts = new TrainerParts
            {
                Model = model,
                TrainLoader = trainLoader,
                ValLoader = valLoader,
                Metrics = metrics,
                Loop = loop,
                Step = train,
                Optimizers = Optimizers(optimizer, services),
                Schedule = [.. (options.Schedule ?? []).Select(spec => spec.Build(services))],
                Penalties = RunBuilder.Named(train.Penalties, spec => spec.Build(services)),
                Hooks = WithDefaults(options.Hooks, services, dataset.Info, unwanted),
                Device = device,
                Precision = precision,
                ChannelsLast = channelsLast,
                Seed = options.Seed,
                Group = group,
                WorkDir = workDir,
                Output = output,
                Command = $"tools/train {(document.Path is { } file ? SourceLocation.Display(file) : "CONFIG")} --work-dir {workDir}",
                Config = saved,
                Source = ModelInitialization.SourceOf(model),
            };
            foreach (var hook in parts.Hooks.Values.OfType<IDisposable>())
                owned.Add(hook);
            var trainer = Own(new Trainer(parts));
            Describe(trainer, dataset, trainLoader, document);
            LookAtEvaluation(parts, resumed: checkpoint is not null);
            if (checkpoint is not null)
            {
                try
                {
                    trainer.Resume(checkpoint);
                }
                catch (UserErrorException error)
                {
                    throw new UserErrorException($"{checkpoint.Path}\n  {error.Message}", error);
                }
                s_log.LogInformation(
                    "Resumed from {0}: iteration {1}, epoch {2}.",
                    checkpoint.Path,
                    checkpoint.Info.Iteration,
                    checkpoint.Info.Epoch
                );
                if (ConfigChanges.Between(checkpoint.Info.Config, parts.Config) is { Length: > 0 } changes)
                    s_log.LogInformation("Changed in the config since: {0}.", changes);
            }
            if (group.Rank == 0)
            {
                // Only now that nothing can be refused any more.
                if (former.Count > 0)
                    s_log.LogInformation("Removed the run that was here before: {0}.", WorkFolder.Remove(former));
                AtomicFile.WriteText(Path.Combine(workDir, "config.json"), saved.SaveText());
            }
            var runner = new Runner(trainer);
            runner._owned.AddRange(owned);
            return runner;
        }
        catch
        {
            foreach (var group in owned.OfType<IProcessGroup>())
                group.Fail();
            Release(owned);
            throw;
        }

        T Own<T>(T part)
            where T : IDisposable
        {
            owned.Add(part);
            return part;
        }
    }

    /// <summary>Trains to the end, or until something stops the run.</summary>
    public void Run()
    {
        try
        {
            Trainer.Run();
        }
        catch
        {
            Trainer.Group.Fail(); // the other processes wait for this one
            throw;
        }
        s_log.LogInformation(
            "{0}",
            Trainer.StopReason is { } reason
                ? $"Ended at iteration {Trainer.Progress.Iteration}: {reason}."
                : $"Done: {Trainer.Progress.Iteration} iterations, {Trainer.EpochsDone} epochs."
        );
    }

    public void Dispose() => Release(_owned);

    private static void Release(List<IDisposable> owned)
    {
        for (var i = owned.Count - 1; i >= 0; i--)
            owned[i].Dispose();
        owned.Clear();
    }

    private static Checkpoint? Latest(string workDir) =>
        Directory.Exists(workDir) && new CheckpointStore(workDir).Latest is { } path ? Checkpoint.Open(path) : null;

    private static Dictionary<string, OptimizerFactory> Optimizers(
        OneOrNamed<ComponentSpec<OptimizerFactory>> specs,
        IServiceProvider services
    )
    {
        if (specs.Single is { } single)
            return new() { [OptimizerSet.OnlyName] = single.Build(services) };
        var named = specs.Named.ToDictionary(entry => entry.Key, entry => entry.Value.Build(services));
        if (named.Count > 1 && named.FirstOrDefault(entry => entry.Value.Parameters.Count == 0) is { Key: { } open })
            throw new UserErrorException(
                $"optimizer.{open}.parameters: where there are several optimizers, each must say by name patterns which parameters are "
                    + $"its own."
            );
        return named;
    }

    /// <summary>Log, NaN guard and checkpoints belong to every run, unless the config sets their key to null or has its own.</summary>
    private static Dictionary<string, Hook> WithDefaults(
        IReadOnlyDictionary<string, ComponentSpec<Hook>?>? specs,
        IServiceProvider services,
        DataInfo data,
        string[] unwanted
    )
    {
        var hooks = RunBuilder.Named(specs, spec => spec.Build(services, data));
        Default("log", () => new LogHook(new LogHookOptions()));
        Default("nan_guard", () => new NanGuardHook(new NanGuardHookOptions()));
        Default("checkpoint", () => new CheckpointHook(new CheckpointHookOptions()));
        return hooks;

        void Default<T>(string key, Func<T> make)
            where T : Hook
        {
            if (specs?.ContainsKey(key) != true && !unwanted.Contains(key) && !hooks.Values.OfType<T>().Any())
                hooks.Add(key, make());
        }
    }

    private static void LookAtEvaluation(TrainerParts parts, bool resumed)
    {
        if (parts.Evaluator() is not { } evaluator)
            return;
        var look = new EvaluationLook { Evaluator = evaluator, ReadsAll = !resumed }; // it was looked at when the run began
        if (look.Run(parts.Model, "val.dataset") is { } note)
            s_log.LogInformation("{0}", note);
    }

    private static void Describe(Trainer trainer, Dataset dataset, IBatchLoader loader, ConfigDocument document)
    {
        var trained = trainer.Model.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel());
        var all = trainer.Model.parameters().Sum(parameter => parameter.numel());
        s_log.LogInformation(
            "{0}: {1}, {2:0.00} M parameters ({3:0.00} M trained); {4} samples of {5} classes, {6} batches an epoch; {7} iterations.",
            document.Path is { } path ? SourceLocation.Display(path) : "config",
            trainer.Model.GetName(),
            all / 1e6,
            trained / 1e6,
            dataset.Count,
            dataset.Info.Classes.Count,
            loader.BatchesPerEpoch,
            trainer.Progress.TotalIterations
        );
        s_log.LogInformation(
            "Hooks, in order: {0}",
            string.Join(", ", trainer.OrderedHooks.Select(hook => $"{hook.Key} ({HookOrder.Describe(hook.Hook.Order)})"))
        );
    }
}
