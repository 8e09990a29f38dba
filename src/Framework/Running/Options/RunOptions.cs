using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Loops;

namespace Tessera.Framework.Running;

/// <summary>A whole config.</summary>
/// <param name="Model">The task model.</param>
/// <param name="Train">Training data and loop; null for a config that only evaluates.</param>
/// <param name="Val">What is evaluated during training.</param>
/// <param name="Test">What tools/test evaluates; <c>val</c> where it is absent.</param>
/// <param name="Optimizer">One optimizer, or a map of named ones.</param>
/// <param name="Schedule">Phases of the learning rate, one after another.</param>
/// <param name="Hooks">What else happens during a run, by name.</param>
/// <param name="Precision">auto takes bf16 where processor and provider have it natively, otherwise fp32.</param>
/// <param name="Seed">Of everything random.</param>
/// <param name="Device">auto, cpu, cuda or cuda:N.</param>
/// <param name="Threads">Threads of the tensor library; 0 for one per core.</param>
/// <param name="ChannelsLast">Images laid out NHWC in memory; auto does so for convolutional models.</param>
/// <param name="DataRoot">Folder of the data, for use in other options as ${data_root}.</param>
/// <param name="Plugins">Assemblies, projects or source files with further components.</param>
/// <param name="WorkDir">Where the run writes; work_dirs/NAME-OF-CONFIG by default.</param>
/// <param name="Processes">How several processes train together.</param>
/// <param name="Pipeline">Cuts the model into stages, each trained by a process of its own; null: each process trains the whole
/// model.</param>
/// <param name="Distill">A teacher that the model learns from beside the labels.</param>
public sealed record RunOptions(
    ComponentSpec<VisionModel> Model,
    TrainOptions? Train = null,
    EvaluationOptions? Val = null,
    EvaluationOptions? Test = null,
    OneOrNamed<ComponentSpec<OptimizerFactory>>? Optimizer = null,
    IReadOnlyList<ComponentSpec<Schedule>>? Schedule = null,
    IReadOnlyDictionary<string, ComponentSpec<Hook>?>? Hooks = null,
    Precision Precision = Precision.Auto,
    [property: Range(0L, long.MaxValue)] long Seed = 0,
    string Device = "auto",
    [property: Range(0, 1024)] int Threads = 0,
    AutoSwitch ChannelsLast = AutoSwitch.Auto,
    string? DataRoot = null,
    IReadOnlyList<string>? Plugins = null,
    string? WorkDir = null,
    ProcessesOptions? Processes = null,
    PipelineOptions? Pipeline = null,
    DistillOptions? Distill = null
);

/// <param name="Dataset">The training data.</param>
/// <param name="Loader">How it is read.</param>
/// <param name="Loop">Whether the run's length and its evaluations are counted in epochs or iterations, which is short for an EpochLoop or
/// an IterationLoop of the three options that follow; or a loop, with options of its own in their place.</param>
/// <param name="Epochs">Length of a run that counts epochs.</param>
/// <param name="Iterations">Length of a run that counts iterations (optimizer steps).</param>
/// <param name="ValidateEvery">Epochs or iterations between evaluations; 0 for none, 1 where it isn't given.</param>
/// <param name="Accumulate">Batches per optimizer step.</param>
/// <param name="ClipGrad">Limits on the gradients.</param>
/// <param name="Freeze">Name patterns of parameters that are not trained; norms that are wholly frozen keep their statistics.</param>
/// <param name="NormEval">Name patterns of modules, such as "backbone", whose norms keep their statistics in training; "*" for all.</param>
/// <param name="SyncBn">Batch norms take their statistics over all processes. Nothing changes where there is but one.</param>
/// <param name="CheckpointActivations">Blocks of the backbone keep only their input until backward, and are computed again there: less
/// memory, more time, the same gradients.</param>
/// <param name="Tune">What is trained: the head alone (linear_probe), the head first and then everything (lp_ft), everything from
/// <c>tune_from</c> on (partial), attention and head (attention, last_attention), norms and head (norms), or everything (full). What
/// <c>freeze</c> names is not trained in any case.</param>
/// <param name="TuneFrom">Of partial: the module of the backbone from which on it is trained, such as "layer4".</param>
/// <param name="TuneHeadFor">Of lp_ft: for how many epochs, or iterations where the loop counts those, the head is trained alone.</param>
/// <param name="TuneRate">Of lp_ft: times the learning rates once everything is trained; 0.1 where it isn't given.</param>
/// <param name="Penalties">Terms of the objective that depend on the parameters alone, by name.</param>
/// <param name="BatchTransforms">Changes to whole batches (Mixup, CutMix), in order.</param>
public sealed record TrainOptions(
    ComponentSpec<Dataset> Dataset,
    LoaderOptions? Loader = null,
    WordOr<LoopKind, ComponentSpec<Loop>> Loop = default,
    [property: Range(0, int.MaxValue)] int Epochs = 0,
    [property: Range(0L, long.MaxValue)] long Iterations = 0,
    [property: Range(0, int.MaxValue)] int? ValidateEvery = null,
    int Accumulate = 1,
    ClipGradOptions? ClipGrad = null,
    IReadOnlyList<string>? Freeze = null,
    IReadOnlyList<string>? NormEval = null,
    bool SyncBn = false,
    TunePreset? Tune = null,
    string? TuneFrom = null,
    int? TuneHeadFor = null,
    double? TuneRate = null,
    IReadOnlyDictionary<string, ComponentSpec<Penalty>?>? Penalties = null,
    IReadOnlyList<ComponentSpec<BatchTransform>>? BatchTransforms = null,
    bool CheckpointActivations = false
)
    : StepOptions(Accumulate, ClipGrad, Freeze, NormEval, SyncBn, Tune, TuneFrom, TuneHeadFor, TuneRate, CheckpointActivations),
        IValidatableObject
{
    /// <summary>The loop that the options describe.</summary>
    /// <exception cref="UserErrorException">The options don't say how long the run is.</exception>
    public Loop BuildLoop(IServiceProvider services)
    {
        var loop = Loop.Value is { } described ? described.Build(services) : CountingLoop();
        if (Tune == TunePreset.LpFt && TuneHeadFor >= loop.Length)
            throw new UserErrorException(
                $"train.tune_head_for is {TuneHeadFor}, but the whole run is {loop.Length} long ({loop.LengthKey}), so nothing is left "
                    + $"for the second phase. Make it shorter, or set train.tune to \"linear_probe\"."
            );
        return loop;
    }

    private Loop CountingLoop()
    {
        var (kind, every) = (Loop.Word!.Value, ValidateEvery ?? 1);
        var (length, key, other) = kind == LoopKind.Epochs ? (Epochs, "epochs", "iterations") : (Iterations, "iterations", "epochs");
        if (length <= 0)
            throw new UserErrorException(
                $"train.{key}: the loop counts {key}, so it must say how many (or set train.loop to \"{other}\")."
            );
        return kind == LoopKind.Epochs
            ? new EpochLoop(new EpochLoopOptions(Epochs, every))
            : new IterationLoop(new IterationLoopOptions(Iterations, every));
    }

    /// <summary>What a loop says itself is not said beside it.</summary>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var mistake in TuningMistakes())
            yield return mistake;
        if (Loop.Value is not { } described)
            yield break;
        foreach (
            var (given, member) in new[]
            {
                (Epochs > 0, nameof(Epochs)),
                (Iterations > 0, nameof(Iterations)),
                (ValidateEvery is not null, nameof(ValidateEvery)),
            }
        )
        {
            if (given)
                yield return new ValidationResult(
                    $"The loop {described.TypeName} says itself how long the run is and when it is evaluated: give that in train.loop, and "
                        + "leave this out, or set it to null where a base has it.",
                    [member]
                );
        }
    }
}

/// <summary>How an optimizer step is made.</summary>
/// <param name="Accumulate">Batches per optimizer step.</param>
/// <param name="ClipGrad">Limits on the gradients.</param>
/// <param name="Freeze">Name patterns of parameters that are not trained; norms that are wholly frozen keep their statistics.</param>
/// <param name="NormEval">Name patterns of modules whose norms keep their statistics in training; "*" for all.</param>
/// <param name="SyncBn">Batch norms take their statistics over all processes.</param>
/// <param name="CheckpointActivations">Blocks of the backbone keep only their input until backward.</param>
/// <param name="Tune">What is trained; null: everything.</param>
/// <param name="TuneFrom">Of <see cref="TunePreset.Partial"/>: the module of the backbone from which on it is trained.</param>
/// <param name="TuneHeadFor">Of <see cref="TunePreset.LpFt"/>: for how many epochs or iterations the head is trained alone.</param>
/// <param name="TuneRate">Of <see cref="TunePreset.LpFt"/>: times the learning rates once everything is trained; null: 0.1.</param>
public record StepOptions(
    [property: Range(1, 65536)] int Accumulate = 1,
    ClipGradOptions? ClipGrad = null,
    IReadOnlyList<string>? Freeze = null,
    IReadOnlyList<string>? NormEval = null,
    bool SyncBn = false,
    TunePreset? Tune = null,
    string? TuneFrom = null,
    [property: Range(1, int.MaxValue)] int? TuneHeadFor = null,
    [property: Range(0.0, 1e6)] double? TuneRate = null,
    bool CheckpointActivations = false
)
{
    private const double FineTuningRate = 0.1;

    /// <summary>Which part of a model is trained, and when.</summary>
    /// <param name="counts">What the run counts.</param>
    public TuneOptions Tuned(LoopKind counts = LoopKind.Epochs) =>
        new(
            Tune,
            TuneFrom,
            TuneHeadFor ?? 0,
            counts == LoopKind.Epochs ? ScheduleUnit.Epoch : ScheduleUnit.Iteration,
            TuneRate ?? FineTuningRate
        );

    /// <summary>Options of presets that don't go together.</summary>
    private protected IEnumerable<ValidationResult> TuningMistakes()
    {
        if (Tune == TunePreset.Partial && TuneFrom is null)
            yield return new ValidationResult("\"tune\": \"partial\" needs tune_from, such as \"layer4\".", [nameof(Tune)]);
        if (Tune != TunePreset.Partial && TuneFrom is not null)
            yield return new ValidationResult("It says where \"tune\": \"partial\" begins; tune is something else.", [nameof(TuneFrom)]);
        if (Tune == TunePreset.LpFt && TuneHeadFor is null)
            yield return new ValidationResult(
                "\"tune\": \"lp_ft\" needs tune_head_for: how many epochs (or iterations, as the loop counts) the head is trained alone.",
                [nameof(Tune)]
            );
        foreach (var (given, member) in new[] { (TuneHeadFor is not null, nameof(TuneHeadFor)), (TuneRate is not null, nameof(TuneRate)) })
            if (given && Tune != TunePreset.LpFt)
                yield return new ValidationResult("It is of \"tune\": \"lp_ft\" alone; tune is something else.", [member]);
    }
}

/// <param name="Dataset">The data.</param>
/// <param name="Loader">How it is read.</param>
/// <param name="Metrics">What is measured, by name.</param>
public sealed record EvaluationOptions(
    ComponentSpec<Dataset> Dataset,
    LoaderOptions? Loader = null,
    IReadOnlyDictionary<string, ComponentSpec<Metric>?>? Metrics = null
);
