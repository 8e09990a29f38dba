using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Framework.Running.Stages;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>
/// One batch through the model and its optimizers: forward in the run's precision, penalties, the look at the loss, backward, and, where
/// enough batches have accumulated, averaging over processes, clipping and the optimizers' steps.
/// </summary>
public sealed class TrainStep : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly StepParts _parts;
    private readonly RunOptimizers _optimizers;
    private readonly Tuning _tuning;
    private readonly nn.Module[] _stillNorms;
    private readonly PipelineStep? _pipeline;
    private readonly StageState? _stages;

    /// <summary>Places the model on the device, freezes what the options name, and makes the optimizers.</summary>
    /// <exception cref="UserErrorException">A pattern matches nothing, there is nothing to train, or the model can't be cut into
    /// stages.</exception>
    public TrainStep(StepParts parts)
    {
        _parts = parts;
        _tuning = new Tuning(parts.Model, parts.Step.Tuned(parts.Counts), parts.Step.Freeze ?? []);
        _stillNorms = [.. FrozenNorms(parts.Model).Union(ParameterGroups.Norms(parts.Model, parts.Step.NormEval ?? []))];
        LayerRules.Attach(parts.Model);
        foreach (var text in ParameterGroups.UnmarkedNorms(parts.Model))
            s_log.LogWarning("{0}", text);
        if (parts.Device.type != DeviceType.CPU)
            parts.Model.to(parts.Device);
        if (parts.ChannelsLast)
            parts.Model.ToChannelsLast();
        RequireDistillable(parts);
        parts.Distiller?.to(parts.Device);
        var taught = parts.Distiller?.parameters() ?? [];
        GradientAverager.Broadcast(parts.Model.parameters().Concat(parts.Model.buffers()).Concat(taught), parts.Group);

        if (parts.Step.CheckpointActivations)
            CheckpointActivations(parts.Model);
        var stage = parts.Pipeline is { } pipeline ? Stage.Cut(parts, pipeline) : null;
        if (stage is not null)
        {
            _pipeline = new PipelineStep(stage, parts.Pipeline!.Options, parts);
            _stages = new StageState(stage, parts.Model, parts.Device);
        }
        _optimizers = new RunOptimizers(
            parts.Optimizers,
            parts.Model,
            new StepContext
            {
                Group = stage is null ? parts.Group : new SingleProcess(), // whose gradients nobody else has
                Owns = stage is null ? null : stage.Owns,
                NormGroup = stage?.Group,
                Processes = parts.Processes,
                Precision = parts.Precision,
                Device = parts.Device.type,
                Clip = parts.Step.ClipGrad,
                Scaler = parts.Precision.NeedsScaling ? new LossScaler() : null,
                Penalties = [.. parts.Penalties.Select(p => (p.Key, p.Value, p.Value.Select(parts.Model)))],
                SeveralOptimizers = parts.Optimizers.Count > 1,
                Distiller = parts.Distiller,
            }
        );
        foreach (var (_, module) in parts.Model.Having<IUsesProcessGroup>())
            module.Group = parts.Group;
        if (parts.Step.SyncBn && parts.Group.WorldSize > 1)
            SynchronizedNorms = SyncBatchNorm.Attach(parts.Model, parts.Group);
    }

    public VisionModel Model => _parts.Model;

    public OptimizerSet Optimizers => _optimizers;

    /// <summary>Parameters that the options keep from being trained.</summary>
    public int FrozenParameters => _tuning.Frozen.Count;

    /// <summary>Norms that keep their statistics: those whose parameters are all frozen, and those that the options name.</summary>
    public int StillNorms => _stillNorms.Length;

    /// <summary>Batch norms that take their statistics over all processes.</summary>
    public int SynchronizedNorms { get; }

    /// <summary>Buckets of gradients that travelled before the last backward's end, and of how many; none where gradients are averaged
    /// after backward.</summary>
    public (int Early, int All) TravellingBuckets =>
        _optimizers.Handles.Select(handle => handle.Overlap).FirstOrDefault(overlap => overlap is { IsOn: true }) is { } overlap
            ? (overlap.SentEarly, overlap.Buckets)
            : (0, 0);

    /// <summary>The part of the last step's time in which this process's stage waited for others, from 0 to 1; 0 where the model is not
    /// cut into stages.</summary>
    public double StageWaiting => _pipeline?.Waiting ?? 0;

    internal RunOptimizers RunOptimizers => _optimizers;

    /// <summary>Sees every loss before its backward; null where nobody does.</summary>
    internal NonFiniteGuard? Guard
    {
        get;
        set => (field, _optimizers.Context.Guard) = (value, value is null ? null : value.See);
    }

    /// <summary>Places a batch on the model's device, laid out in memory as the model wants it.</summary>
    public void Prepare(Batch batch) => batch.Place(_parts.Device, _parts.ChannelsLast);

    /// <summary>The model in training mode, but for the norms that keep their statistics and the modules that a preset lets rest.</summary>
    public void TrainMode()
    {
        Model.train();
        foreach (var part in _tuning.Still)
            part.eval();
        foreach (var norm in _stillNorms)
            norm.eval();
    }

    /// <summary>Trains on a batch, prepared and in training mode.</summary>
    /// <param name="progress">Where the run stands.</param>
    /// <param name="batches">How many batches the present step takes; gradients are averaged over them.</param>
    /// <param name="completes">Whether this is the last of them: the optimizers step.</param>
    /// <returns>The losses by name, each a scalar, penalties among them; they belong to the caller's dispose scope.</returns>
    /// <exception cref="UserErrorException">The model's parts don't fit each other or the images.</exception>
    public LossMap Run(Batch batch, Progress progress, int batches = 1, bool completes = true)
    {
        if (_tuning.Enter(progress))
            TrainMode();
        (_optimizers.Context.BatchesPerStep, _optimizers.Context.Due) = (batches, completes);
        _optimizers.Context.Images = batch.Images;
        Guard?.Begin(progress, batch);
        return ShapeMistake.Guard(
            Model,
            batch,
            () => _pipeline?.Run(batch, _optimizers, progress) ?? Model.TrainStep(batch, _optimizers, progress),
            again: () => Model.Loss(batch, progress)
        );
    }

    /// <summary>Makes a step that was begun with the batches that it has got.</summary>
    /// <returns>Whether one was begun.</returns>
    public bool Finish()
    {
        if (_optimizers.Context.Due)
            return false;
        foreach (var handle in _optimizers.Handles)
            handle.Finish();
        _optimizers.Context.Due = true;
        return true;
    }

    /// <summary>Sets the learning rates of the step to come.</summary>
    public void Apply(ScheduleChain schedule, Progress progress)
    {
        foreach (var handle in _optimizers.Handles)
            schedule.Apply(handle.Optimizer, progress, _tuning.RateAt(progress));
    }

    /// <summary>Every process has the whole model, from now on until the next step: running statistics are rank 0's, and in stages each
    /// gets the others' weights and statistics.</summary>
    internal void Assemble()
    {
        if (_stages is not null)
            _stages.Assemble();
        else
            GradientAverager.Broadcast(Model.buffers(), _parts.Group);
    }

    /// <summary>The same, where the model is in stages.</summary>
    internal void AssembleStages() => _stages?.Assemble();

    /// <summary>Saves what all optimizers remember, those of the other stages, too.</summary>
    internal void SaveOptimizers(StateWriter state)
    {
        if (_stages is not null)
            _stages.Gather(state, _optimizers.Save);
        else
            _optimizers.Save(state);
    }

    public void Dispose() => _optimizers.Dispose();

    private static void CheckpointActivations(VisionModel model)
    {
        var blocks = ActivationCheckpoints.Enable(model);
        if (blocks == 0)
            throw new UserErrorException(
                $"train.checkpoint_activations: {model.GetName()} has no block that can be computed twice. Those of ResNet, Res2Net, "
                    + "VisionTransformer, SwinTransformer, ConvNeXt and their kin can."
            );
        s_log.LogInformation("{0} blocks keep their input alone until backward, and are computed again there.", blocks);
    }

    private static void RequireDistillable(StepParts parts)
    {
        if (parts.Distiller is null)
            return;
        if (parts.Pipeline is not null)
            throw new UserErrorException(
                "distill: a model that is cut into stages (pipeline) can't learn from a teacher. Remove one of the two."
            );
        if (parts.Optimizers.Count > 1)
            throw new UserErrorException("distill: a model with several optimizers can't learn from a teacher.");
    }

    private static IEnumerable<nn.Module> FrozenNorms(nn.Module model) =>
        from child in model.named_modules()
        where child.module.IsNormalization()
        let parameters = child.module.parameters(recurse: false).ToArray()
        where parameters.Length > 0 && parameters.All(parameter => !parameter.requires_grad)
        select child.module;
}
