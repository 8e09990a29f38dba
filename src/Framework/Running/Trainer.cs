using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running.Stages;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Trains a model: puts the parts of a run together, has its loop go through the batches, and ends it whatever happens.</summary>
public sealed class Trainer : IRunActions, IDisposable
{
    /// <summary>The reason of a stop that the user asked for; a resumed run goes on after it.</summary>
    public const string Interrupted = "interrupted";

    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly TrainerParts _parts;
    private readonly TrainStep _step;
    private readonly HookList _hooks;
    private readonly StateKeeper _keeper;
    private readonly Evaluations _evaluations;
    private readonly Rewind _rewind;
    private readonly Training _training;

    /// <exception cref="UserErrorException">Some of the parts don't fit each other.</exception>
    public Trainer(TrainerParts parts)
    {
        _parts = parts;
        if (parts.TrainLoader.BatchesPerEpoch == 0)
            throw new UserErrorException(
                $"train.dataset: {parts.TrainLoader.Dataset.Count} samples make no batch. Lower train.loader.batch_size, or set "
                    + $"drop_last to false."
            );
        StageChecks.Require(parts);
        new FollowedMetrics(parts.Hooks, parts.Schedule).Tell(parts.Metrics.Values, parts.ValLoader?.Dataset.Info);
        var (stepsPerEpoch, totalSteps) = (parts.StepsPerEpoch, parts.Loop.TotalIterations(parts.StepsPerEpoch));
        var schedule = new ScheduleChain(parts.Schedule, stepsPerEpoch, totalSteps);
        _step = new TrainStep(parts);
        Tell(_step);
        State = new RunState
        {
            Model = parts.Model,
            Optimizers = _step.Optimizers,
            TrainLoader = parts.TrainLoader,
            Device = parts.Device,
            Group = parts.Group,
            Replicas = parts.Replicas,
            WorkDir = parts.WorkDir,
            Output = parts.Output,
            Progress = new Progress(0, totalSteps, 0, (int)((totalSteps + stepsPerEpoch - 1) / stepsPerEpoch)),
            Actions = this,
        };
        _hooks = new HookList(parts.Hooks.Append(KeyValuePair.Create("evaluation", (Hook)new EvaluationHook(parts.Loop))));
        _keeper = new StateKeeper(parts, State, _step, schedule, _hooks);
        _evaluations = new Evaluations(parts, State, _step, schedule, _hooks, _keeper);
        _rewind = new Rewind(parts, State, _step, schedule, _keeper);
        _training = new Training(parts, State, _step, schedule, _hooks, State.Stops) { Rewind = _rewind };
        manual_seed(parts.Seed + parts.Group.Rank); // dropout differs between processes, and not from building the model
    }

    /// <summary>The run as its hooks see it.</summary>
    public RunState State { get; }

    public VisionModel Model => State.Model;

    public IProcessGroup Group => State.Group;

    /// <summary>Where the run stands.</summary>
    public Progress Progress => State.Progress;

    /// <summary>Epochs that are wholly done.</summary>
    public int EpochsDone => State.EpochsDone;

    /// <summary>The newest evaluation's metrics; empty before the first.</summary>
    public IReadOnlyDictionary<string, double> Metrics => State.Metrics;

    /// <summary>Why the run ended early; null where it didn't.</summary>
    public string? StopReason => State.StopReason;

    /// <summary>Hooks in the order in which they run, with their keys.</summary>
    public IReadOnlyList<(string Key, Hook Hook)> OrderedHooks => _hooks.Ordered;

    /// <summary>Whether a checkpoint was written just before an evaluation that never came to its end.</summary>
    public static bool OwesEvaluation(Checkpoint? checkpoint) => Evaluations.AreOwedBy(checkpoint);

    /// <summary>Ends the run after the present iteration, with everything saved; the reason is logged. From any thread.</summary>
    public void Stop(string reason) => State.Stop(reason);

    /// <summary>Trains to the end, or until something stops the run. The hooks that began are ended in their order, whatever
    /// happened.</summary>
    /// <exception cref="UserErrorException">A loss, a weight or a statistic was not finite; or the data or an evaluation
    /// failed.</exception>
    public void Run()
    {
        _step.TrainMode();
        _hooks.Run(State, Train, Reason);
    }

    /// <summary>Takes up the run that wrote a checkpoint. Before <see cref="Run"/>; the checkpoint stays open until then.</summary>
    /// <exception cref="UserErrorException">It is damaged, or of another run.</exception>
    public void Resume(Checkpoint checkpoint)
    {
        checkpoint.RequireClasses(State.Data);
        checkpoint.RequireBase(Model);
        Resume(checkpoint.ReadState());
        State.Resumes(checkpoint);
    }

    /// <summary>Takes up a run where <see cref="RunState.Capture"/> left it. Before <see cref="Run"/>.</summary>
    /// <exception cref="UserErrorException">The state is damaged, or of another run: another model, optimizer, data set, batch size or
    /// number of processes.</exception>
    public void Resume(StateReader state) => _keeper.Resume(state);

    public void Dispose()
    {
        _step.Dispose();
        _rewind.Dispose();
        State.Dispose();
    }

    void IRunActions.Evaluate() => _evaluations.Run();

    StateWriter IRunActions.Capture() => _keeper.Capture();

    CheckpointInfo IRunActions.Describe() =>
        new()
        {
            Config = _parts.Config,
            Data = State.Data,
            Epoch = State.EpochsDone,
            Iteration = State.Progress.Iteration,
            Metrics = State.Metrics,
            PublishedNames = PublishedNames.For(Model),
            PublishedForms = PublishedNames.Forms(Model),
            Source = _parts.Source,
            Base = Model.Adaptation?.Identity,
        };

    private void Train()
    {
        _step.Guard = State.Guard; // of the hooks that have begun
        if (_evaluations.IsOwed)
            _evaluations.Run();
        if (_parts.Loop is var loop && loop.IsDone(State))
            s_log.LogWarning(
                "The run was at its end already ({0}: {1}), so nothing is trained. For more, raise {2}.",
                loop.LengthKey,
                loop.Length,
                loop.LengthKey
            );
        _rewind.Keep();
        loop.Run(_training);
        State.Guard?.Check();
    }

    private Exception Reason(Exception error) =>
        error is NonFiniteLossException found ? new UserErrorException((found.FoundLate ? _rewind.Replay(found) : found).Message) : error;

    private void Tell(TrainStep step)
    {
        if (step.FrozenParameters + (_parts.Step.NormEval?.Count ?? 0) > 0)
            s_log.LogInformation("Frozen: {0} parameters, {1} norms keep their statistics.", step.FrozenParameters, step.StillNorms);
        if (_parts.Step.SyncBn && _parts.Group.WorldSize > 1)
            s_log.LogInformation("Batch norms over {0} processes: {1}.", _parts.Group.WorldSize, step.SynchronizedNorms);
    }
}
