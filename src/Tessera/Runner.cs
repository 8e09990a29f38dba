using System.Diagnostics;
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
using Tessera.Framework.Running.Loops;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera;

/// <summary>A training run of a session: builds every part in its order, trains, and takes its own parts down.</summary>
public sealed class Runner : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Session _session;
    private readonly string _workDir;
    private readonly bool _resume;
    private readonly string? _command;
    private readonly DisposalStack _owned = new();
    private readonly List<string> _notes = [];
    private RunLog? _log;
    private IReadOnlyDictionary<string, Metric> _metrics = new Dictionary<string, Metric>();

    private Runner(Session session, RunnerOptions options)
    {
        RequireTraining(session.Options);
        if (options is { Resume: true, Overwrite: true })
            throw new UserErrorException(
                "Resume goes on with the run in the work dir, Overwrite removes it. Give one of them.",
                new Advice("Resume", "resume"),
                new Advice("Overwrite", "overwrite")
            );
        _session = session;
        _resume = options.Resume;
        var name = session.Document.Path is { } path ? Path.GetFileNameWithoutExtension(path) : "run";
        _workDir = Path.GetFullPath(options.WorkDir ?? session.Options.WorkDir ?? Path.Combine("work_dirs", name));
        _command = options.Command?.Invoke(_workDir);
        if (!options.Resume && !options.Overwrite)
            WorkFolder.RequireFree(_workDir);
        var former = options.Overwrite ? WorkFolder.Entries(_workDir) : [];
        try
        {
            Trainer = Build(former, options.CommandLine);
        }
        catch (Exception error)
        {
            session.Group.Fail(); // the other processes wait for this one
            _log?.Failure(error);
            _owned.Dispose();
            throw;
        }
    }

    public Trainer Trainer { get; }

    /// <summary>Builds the run.</summary>
    /// <param name="session">Opened from a config; model, loaders and process group are its own. It must outlive the run, and serves one
    /// run.</param>
    /// <exception cref="UserErrorException">The config, the data or the checkpoint has a mistake, or the work dir holds a run.</exception>
    public static Runner Create(Session session, RunnerOptions? options = null) => new(session, options ?? new RunnerOptions());

    /// <summary>Trains to the end, or until something stops the run.</summary>
    public void Run()
    {
        var watch = Stopwatch.StartNew();
        try
        {
            Trainer.Run();
            if (Trainer.Group.Rank == 0)
                RunRecord.End(Trainer, _workDir, _metrics, watch.Elapsed);
        }
        catch (Exception error)
        {
            Trainer.Group.Fail(); // the other processes wait for this one
            _log?.Failure(error);
            throw;
        }
        s_log.LogInformation(
            "{0}",
            Trainer.StopReason is { } reason
                ? $"Ended at iteration {Trainer.Progress.Iteration}: {reason}."
                : $"Done: {Trainer.Progress.Iteration} iterations, {Trainer.EpochsDone} epochs."
        );
    }

    public void Dispose() => _owned.Dispose();

    private static void RequireTraining(RunOptions options)
    {
        if (options.Train is null)
            throw new UserErrorException(
                "train: the config has none, so there is nothing to train on. It can be evaluated.",
                new Advice("It can be evaluated", "evaluate")
            );
        if (options.Optimizer is null)
            throw new UserErrorException("optimizer: the config has none. For example: { \"type\": \"AdamW\", \"lr\": 0.001 }.");
    }

    /// <summary>What the config leaves to the training data.</summary>
    private void FillIn(ConfigDocument? saved)
    {
        ClassWeighting.Fill(_session, saved, Tell, Warn);
        TargetStandardization.Fill(_session, saved, Tell, Warn);

        static void Tell(string text) => s_log.LogInformation("{0}", text);
        static void Warn(string text) => s_log.LogWarning("{0}", text);
    }

    /// <param name="former">What an earlier run has left in the work dir, to be removed.</param>
    /// <param name="commandLine">How the run was started.</param>
    private Trainer Build(IReadOnlyList<string> former, string? commandLine)
    {
        // Asked before the checkpoint's defaults are filled in, of which the user has written none.
        var inherited = InheritedOptions.Find(_session.Services.GetRequiredService<ComponentRegistry>(), _session.Document);
        var checkpoint = FindCheckpoint();
        _ = (_session.Device, _session.Precision); // what can't be had is told before anything is written
        _session.JoinProcesses();
        var isFirst = _session.Group.Rank == 0;
        if (isFirst)
            Directory.CreateDirectory(_workDir);
        var output = StartLog(checkpoint, inherited);
        _session.SeedTensorLibrary();
        var loop = _session.Options.Train!.BuildLoop(_session.Services);
        LoadData(loop);
        FillIn(checkpoint?.Info.Config);
        var config = SavedConfig.ForRun(_session.Document, _workDir);
        var environment = TrainerAssembly.TellEnvironment(_session);
        DataChecks.RequireChoice(_session.Data[DataPart.Train], _session.Model);
        DataChecks.RequirePlaces(_session.Data[DataPart.Train], _session.Model, text => s_log.LogWarning("{0}", text));
        var parts = TrainerAssembly.Assemble(_session, _workDir, output, config, loop, _command) with
        {
            Distiller = Teaching.Begin(_session, _owned),
        };
        _metrics = parts.Metrics;
        foreach (var hook in parts.Hooks.Values.OfType<IDisposable>())
            _owned.Add(hook);
        var trainer = _owned.Add(new Trainer(parts));
        Describe(trainer);
        LookAtEvaluation(parts, resumed: checkpoint is not null);
        if (checkpoint is not null)
            Resume(trainer, checkpoint, parts.Config);
        if (isFirst)
        {
            // Only now that nothing can be refused any more.
            if (former.Count > 0)
                s_log.LogInformation("Removed the run that was here before: {0}.", WorkFolder.Remove(former));
            AtomicFile.WriteText(Path.Combine(_workDir, WorkFolder.ConfigName), config.SaveText());
            RunRecord.Begin(_session, _workDir, parts.ValLoader is not null, environment, commandLine);
        }
        return trainer;
    }

    /// <summary>The newest checkpoint, where the run goes on from one; the config's gaps are then filled as it was trained.</summary>
    private Checkpoint? FindCheckpoint()
    {
        if (!_resume || !Directory.Exists(_workDir) || new CheckpointStore(_workDir).Latest is not { } path)
            return null;
        var checkpoint = _owned.Add(Checkpoint.Open(path));
        _session.GoOnFrom(checkpoint.Info, _notes.Add);
        return checkpoint;
    }

    private RunLog StartLog(Checkpoint? checkpoint, IReadOnlyList<string> inherited)
    {
        var output = _log = _owned.Add(
            RunLog.Start(
                _workDir,
                _resume ? checkpoint?.Info.Iteration ?? 0 : null,
                writes: _session.Group.Rank == 0,
                evaluatesAgain: Trainer.OwesEvaluation(checkpoint)
            )
        );
        foreach (var note in _notes)
            s_log.LogInformation("{0}", note);
        foreach (var option in inherited)
            s_log.LogWarning("{0}", option);
        if (_resume && checkpoint is null)
            s_log.LogInformation("There is no checkpoint in {0} yet; the run begins anew.", _workDir);
        return output;
    }

    /// <summary>Looks at everything that will be read.</summary>
    private void LoadData(Loop loop)
    {
        var (data, options) = (_session.Data, _session.Options);
        var evaluates = TrainerAssembly.Evaluates(options, loop);
        var train = data[DataPart.Train];
        var parts = new List<(Dataset, string, LoaderOptions?)> { (train, "train.dataset", options.Train!.Loader) };
        if (evaluates)
            parts.Add((data[DataPart.Val], "val.dataset", options.Val!.Loader));
        DataChecks.CheckAll(parts, text => s_log.LogWarning("{0}", text), text => s_log.LogInformation("{0}", text));
        DataChecks.RequireObjects(train);
        if (!evaluates)
            return;
        DataChecks.RequireSameClasses(train, data[DataPart.Val], "val.dataset");
        DataChecks.RequireOtherTruth(train, data[DataPart.Val], "val.dataset", text => s_log.LogWarning("{0}", text));
    }

    private static void LookAtEvaluation(TrainerParts parts, bool resumed)
    {
        if (parts.Evaluator() is not { } evaluator)
            return;
        var look = new EvaluationLook { Evaluator = evaluator, ReadsAll = !resumed }; // it was looked at when the run began
        if (look.Run(parts.Model, "val.dataset") is { } note)
            s_log.LogInformation("{0}", note);
    }

    private static void Resume(Trainer trainer, Checkpoint checkpoint, ConfigDocument config)
    {
        try
        {
            OptimizerKinds.RequireSame(checkpoint, config);
            trainer.Resume(checkpoint);
        }
        catch (UserErrorException error)
        {
            throw error.Message.StartsWith(checkpoint.Path, StringComparison.Ordinal)
                ? error
                : new UserErrorException($"{checkpoint.Path}\n  {error.Message}", error);
        }
        s_log.LogInformation(
            "Resumed from {0}: iteration {1}, epoch {2}.",
            checkpoint.Path,
            checkpoint.Info.Iteration,
            checkpoint.Info.Epoch
        );
        if (ConfigChanges.Between(checkpoint.Info.Config, config) is { Length: > 0 } changes)
            s_log.LogInformation("Changed in the config since: {0}.", changes);
    }

    private void Describe(Trainer trainer)
    {
        var (dataset, loader) = (_session.Data[DataPart.Train], _session.Data.Loader(DataPart.Train));
        var trained = trainer.Model.parameters().Where(parameter => parameter.requires_grad).Sum(parameter => parameter.numel());
        var all = trainer.Model.parameters().Sum(parameter => parameter.numel());
        s_log.LogInformation(
            "{0}: {1}, {2:0.00} M parameters ({3:0.00} M trained); {4} of {5}, {6} an epoch; {7}.",
            _session.Document.Path is { } path ? SourceLocation.Display(path) : "config",
            trainer.Model.GetName(),
            all / 1e6,
            trained / 1e6,
            Counted.Of(dataset.Count, "sample"),
            Counted.Of(dataset.Info.Classes.Count, "class", "classes"),
            Counted.Of(loader.BatchesPerEpoch, "batch", "batches"),
            Counted.Of(trainer.Progress.TotalIterations, "iteration")
        );
        s_log.LogInformation(
            "Hooks, in order: {0}",
            string.Join(", ", trainer.OrderedHooks.Select(hook => $"{hook.Key} ({HookOrder.Describe(hook.Hook.Order)})"))
        );
    }
}
