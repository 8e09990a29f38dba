using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch;
using Tessera.Torch.Memory;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Trains a model: the loop, the hooks around it, and the state that a resumed run takes up.</summary>
public sealed partial class Trainer : RunState, IDisposable
{
    private static readonly ILogger s_log = Messages.Log.For(Messages.Log.Run);

    private readonly TrainerParts _parts;
    private readonly RunOptimizers _optimizers;
    private readonly ScheduleChain _schedule;
    private Hook[] _hooks;
    private readonly (string Key, Hook Hook)[] _namedHooks;
    private readonly EvaluationHook _evaluation;
    private readonly nn.Module[] _frozenNorms;
    private readonly LossRecorder _losses = new();
    private readonly Dictionary<string, double> _logged = [];
    private readonly long _stepsPerEpoch,
        _totalSteps;
    private readonly int _totalEpochs;
    private readonly NonFiniteGuard? _guard;
    private readonly SkippedSamples _skipped;
    private readonly SkippedSamples? _skippedInVal;

    private long _iteration;
    private int _epoch,
        _batchInEpoch,
        _epochsDone;
    private bool _stepDone;
    private Dictionary<string, double> _metrics = [];
    private Checkpoint? _resumedFrom;
    private Exception? _failure;

    public Trainer(TrainerParts parts)
    {
        _parts = parts;
        _skipped = new SkippedSamples(parts.TrainLoader, "train", text => s_log.LogWarning("{0}", text));
        _skippedInVal = parts.ValLoader is null ? null : new SkippedSamples(parts.ValLoader, "val", text => s_log.LogWarning("{0}", text));
        var loop = parts.Loop;
        var batches = parts.TrainLoader.BatchesPerEpoch;
        if (batches == 0)
            throw new UserErrorException(
                $"train.dataset: {parts.TrainLoader.Dataset.Count} samples make no batch. Lower train.loader.batch_size, or set "
                    + $"drop_last to false."
            );
        if (loop.Length <= 0)
            throw new UserErrorException(
                loop.Loop == LoopKind.Epochs ? "train.epochs: must be at least 1." : "train.iterations: must be at least 1."
            );
        _stepsPerEpoch = (batches + loop.Accumulate - 1) / loop.Accumulate;
        _totalSteps = loop.Loop == LoopKind.Epochs ? loop.Length * _stepsPerEpoch : loop.Length;
        _totalEpochs = (int)((_totalSteps + _stepsPerEpoch - 1) / _stepsPerEpoch);

        new FollowedMetrics(parts.Hooks, parts.Schedule).Tell(parts.Metrics.Values, parts.ValLoader?.Dataset.Info);
        var frozen = ParameterGroups.Freeze(parts.Model, loop.Freeze);
        _frozenNorms = [.. FrozenNorms(parts.Model).Union(ParameterGroups.Norms(parts.Model, loop.NormEval))];
        if (frozen.Count + loop.NormEval.Count > 0)
            s_log.LogInformation("Frozen: {0} parameters, {1} norms keep their statistics.", frozen.Count, _frozenNorms.Length);
        SingleValueNorms.Attach(parts.Model);
        if (parts.Device.type != DeviceType.CPU)
            parts.Model.to(parts.Device);
        if (parts.ChannelsLast)
            parts.Model.ToChannelsLast();
        GradientAverager.Broadcast(parts.Model.parameters().Concat(parts.Model.buffers()), parts.Group);

        _optimizers = new RunOptimizers(
            parts.Optimizers,
            parts.Model,
            new StepContext
            {
                Group = parts.Group,
                Precision = parts.Precision,
                Device = parts.Device.type,
                Clip = loop.ClipGrad,
                Scaler = parts.Precision.NeedsScaling ? new LossScaler() : null,
                Penalties = [.. parts.Penalties.Select(p => (p.Key, p.Value, p.Value.Select(parts.Model)))],
                SeveralOptimizers = parts.Optimizers.Count > 1,
            }
        );
        _schedule = new ScheduleChain(parts.Schedule, _stepsPerEpoch, _totalSteps);
        _evaluation = new EvaluationHook(loop.Loop, loop.ValidateEvery, parts.ValLoader is not null);
        _namedHooks = [.. Ordered(parts.Hooks, _evaluation)];
        _hooks = [.. _namedHooks.Select(hook => hook.Hook)];
        if (_hooks.OfType<NanGuardHook>().FirstOrDefault() is { } nanGuard)
        {
            _guard = new NonFiniteGuard(nanGuard.Interval, nanGuard.LooksAtEachBatch(parts.Device.type), parts.Device, parts.Group);
            _optimizers.Context.Guard = _guard.See;
        }
        foreach (var (_, module) in parts.Model.Having<IUsesProcessGroup>())
            module.Group = parts.Group;
        if (loop.SyncBn && parts.Group.WorldSize > 1)
            s_log.LogInformation(
                "Batch norms over {0} processes: {1}.",
                parts.Group.WorldSize,
                SyncBatchNorm.Attach(parts.Model, parts.Group)
            );
        manual_seed(parts.Seed + parts.Group.Rank); // dropout differs between processes, and not from building the model
    }

    public override VisionModel Model => _parts.Model;
    public override OptimizerSet Optimizers => _optimizers;
    public override IBatchLoader TrainLoader => _parts.TrainLoader;
    public override DataInfo Data => _parts.TrainLoader.Dataset.Info;
    public override Device Device => _parts.Device;
    public override IProcessGroup Group => _parts.Group;
    public override Progress Progress => new(_iteration, _totalSteps, _epoch, _totalEpochs);
    public override int EpochsDone => _epochsDone;
    public override bool StepDone => _stepDone;
    public override string WorkDir => _parts.WorkDir;
    public override IRunOutput? Output => _parts.Output;
    public override IReadOnlyDictionary<string, double> Metrics => _metrics;
    public override Checkpoint? ResumedFrom => _resumedFrom;
    public override Exception? Failure => _failure;

    /// <summary>Hooks in the order in which they run, with their keys.</summary>
    public IReadOnlyList<(string Key, Hook Hook)> OrderedHooks => _namedHooks;

    public override void Log(string name, double value) => _logged[name] = value;

    public override IReadOnlyDictionary<string, double> TakeLog()
    {
        var values = new Dictionary<string, double>(_losses.Take(Group));
        if (values.Count > 0)
            values.TryAdd("loss", values.Values.Sum());
        foreach (var (name, value) in _logged)
            values[name] = value;
        _logged.Clear();
        return values;
    }

    /// <summary>Trains to the end, or until something stops the run. The hooks that began are ended in their order, whatever
    /// happened.</summary>
    /// <exception cref="UserErrorException">A loss, a weight or a statistic was not finite; or the data or an evaluation
    /// failed.</exception>
    public void Run()
    {
        var begun = new List<(string Key, Hook Hook)>();
        try
        {
            TrainMode();
            foreach (var entry in _namedHooks)
            {
                entry.Hook.BeforeRun(this);
                begun.Add(entry);
            }
            if (EvaluationIsOwed)
                Evaluate();
            TakeSnapshot();
            while (!Stops() && !IsDone)
                RunEpoch();
            _guard?.Check();
        }
        catch (Exception error)
        {
            _failure = Reason(error);
        }
        foreach (var (key, hook) in begun)
            End(key, hook);
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    private void End(string key, Hook hook)
    {
        try
        {
            hook.AfterRun(this);
        }
        catch (Exception error) when (_failure is null)
        {
            _failure = Reason(error);
        }
        catch (Exception error)
        {
            s_log.LogWarning("hooks.{0} could not end: {1}", key, error.Message); // what failed first is what the user must hear
        }
    }

    private Exception Reason(Exception error) =>
        error is NonFiniteLossException found ? new UserErrorException((found.FoundLate ? Rewind(found) : found).Message) : error;

    public void Dispose()
    {
        _optimizers.Dispose();
        _losses.Dispose();
        _guard?.Dispose();
        ReleaseSnapshot();
    }

    private bool CountsIterations => _parts.Loop.Loop == LoopKind.Iterations;

    private bool IsDone => CountsIterations ? _iteration >= _totalSteps : _epoch >= _totalEpochs;

    private void RunEpoch()
    {
        foreach (var hook in _hooks)
            hook.BeforeEpoch(this);
        foreach (var loaded in TrainLoader.Epoch(_epoch, _batchInEpoch))
        {
            using var batch = loaded;
            _skipped.Tell();
            Iterate(batch);
            if (Stops() || (CountsIterations && IsDone) || _iteration > _replayUntil)
            {
                if (_batchInEpoch < TrainLoader.BatchesPerEpoch)
                    return; // the epoch stays unfinished
                break;
            }
        }
        FinishPartialStep();
        _skipped.Sum();

        _epochsDone = _epoch + 1;
        _batchInEpoch = 0;
        foreach (var hook in _hooks)
            hook.AfterEpoch(this);
        _epoch = _epochsDone;
    }

    private void Iterate(Batch batch)
    {
        using var scope = NewDisposeScope();
        batch.To(Device);
        if (_parts.ChannelsLast)
            batch.ToChannelsLast();

        var accumulate = _parts.Loop.Accumulate;
        var inStep = _batchInEpoch % accumulate;
        if (inStep == 0 && _guard is { IsDue: true })
        {
            _guard.Check();
            TakeSnapshot();
        }
        var context = _optimizers.Context;
        context.BatchesPerStep = Math.Min(accumulate, TrainLoader.BatchesPerEpoch - (_batchInEpoch - inStep)); // an epoch's last step may have fewer
        context.Due = inStep + 1 == context.BatchesPerStep;

        _stepDone = false;
        var progress = Progress;
        foreach (var hook in _hooks)
            hook.BeforeIteration(this, batch);
        foreach (var handle in _optimizers.Handles)
            _schedule.Apply(handle.Optimizer, progress);
        _guard?.Begin(progress, batch);
        LossMap losses;
        try
        {
            losses = ShapeMistake.Guard(
                Model,
                batch,
                () => Model.TrainStep(batch, _optimizers, progress),
                again: () => Model.Loss(batch, progress)
            );
        }
        catch (NonFiniteLossException found)
        {
            throw found.Explain(this, batch, _parts, writes: Group.Rank == 0);
        }
        _losses.Add(losses);
        _batchInEpoch++;
        if (context.Due)
            StepIsDone();
        foreach (var hook in _hooks)
            hook.AfterIteration(this, batch, losses);
    }

    /// <summary>Where the loader left out samples, an epoch may end before its last step was due.</summary>
    private void FinishPartialStep()
    {
        if (_optimizers.Context.Due || _stopReason is not null)
            return;
        foreach (var handle in _optimizers.Handles)
            handle.Finish();
        StepIsDone();
    }

    private void StepIsDone()
    {
        _iteration++;
        _stepDone = true;
        _optimizers.Context.Due = true;
    }

    private void TrainMode()
    {
        Model.train();
        foreach (var norm in _frozenNorms)
            norm.eval();
    }

    private static IEnumerable<(string Key, Hook Hook)> Ordered(IReadOnlyDictionary<string, Hook> hooks, EvaluationHook evaluation)
    {
        var all = new List<(string Key, Hook Hook)> { ("evaluation", evaluation) };
        foreach (var (key, hook) in hooks)
            all.Add((key, hook));
        return all.OrderBy(entry => entry.Hook.Order).ThenBy(entry => entry.Key, StringComparer.Ordinal);
    }

    private static IEnumerable<nn.Module> FrozenNorms(nn.Module model) =>
        from child in model.named_modules()
        where child.module.IsNormalization()
        let parameters = child.module.parameters(recurse: false).ToArray()
        where parameters.Length > 0 && parameters.All(parameter => !parameter.requires_grad)
        select child.module;
}
