using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Distillation;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Loops;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>What a <see cref="TrainStep"/> is made of, built.</summary>
public record StepParts
{
    /// <summary>On the CPU or on the device already; initialised.</summary>
    public required VisionModel Model { get; init; }

    /// <summary>By name; one that stands alone is named <see cref="OptimizerSet.OnlyName"/>.</summary>
    public required IReadOnlyDictionary<string, OptimizerFactory> Optimizers { get; init; }

    /// <summary>Accumulation, clipping, what is frozen: the options of <c>train</c>, as they are.</summary>
    public StepOptions Step { get; init; } = new();

    /// <summary>By their keys in the config.</summary>
    public IReadOnlyDictionary<string, Penalty> Penalties { get; init; } = new Dictionary<string, Penalty>();

    /// <value>The CPU.</value>
    public Device Device { get; init; } = CPU;

    /// <value>fp32.</value>
    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Full;

    /// <summary>Whether images and convolution weights are laid out NHWC in memory.</summary>
    public bool ChannelsLast { get; init; }

    /// <value>One process.</value>
    public IProcessGroup Group { get; init; } = new SingleProcess();

    /// <summary>How gradients are averaged over processes.</summary>
    public ProcessesOptions Processes { get; init; } = new();

    /// <summary>How the model is cut into stages, each trained by a process of its own; null: every process trains the whole model on
    /// batches of its own.</summary>
    public PipelineParts? Pipeline { get; init; }

    /// <summary>Has the model learn from a teacher, too; disposed by its owner.</summary>
    public Distiller? Distiller { get; init; }

    /// <summary>How many batches a step sees, over all processes.</summary>
    internal int Replicas => Pipeline is null ? Group.WorldSize : 1;

    /// <summary>What the phases of <c>train.tune</c> are counted in.</summary>
    internal virtual LoopKind Counts => LoopKind.Epochs;
}

/// <summary>Everything a training is made of, built. A test needs no config.</summary>
public sealed record TrainerParts : StepParts
{
    public required IBatchLoader TrainLoader { get; init; }

    /// <summary>What comes after what, and for how long.</summary>
    public required Loop Loop { get; init; }

    internal override LoopKind Counts => Loop.Counts;

    public IReadOnlyList<Schedule> Schedule { get; init; } = [];

    /// <summary>By their keys in the config.</summary>
    public IReadOnlyDictionary<string, Hook> Hooks { get; init; } = new Dictionary<string, Hook>();

    /// <summary>null: the run is not evaluated.</summary>
    public IBatchLoader? ValLoader { get; init; }

    public IReadOnlyDictionary<string, Metric> Metrics { get; init; } = new Dictionary<string, Metric>();

    public long Seed { get; init; }

    public required string WorkDir { get; init; }

    /// <summary>null: nothing is written but what hooks write.</summary>
    public IRunOutput? Output { get; init; }

    /// <summary>What the user types to start this run again, such as "tools/train CONFIG --work-dir DIR"; for messages. null where it is
    /// made in code.</summary>
    public string? Command { get; init; }

    /// <summary>The resolved config, for checkpoints.</summary>
    public ConfigDocument Config { get; init; } = ConfigDocument.Empty;

    /// <summary>Where the initial weights came from; null where they were random.</summary>
    public string? Source { get; init; }

    /// <summary>Optimizer steps of an epoch; the last of them may take fewer batches.</summary>
    internal long StepsPerEpoch => (TrainLoader.BatchesPerEpoch + Step.Accumulate - 1) / Step.Accumulate;

    /// <summary>What a user types to take the run up again.</summary>
    internal string GoesOn => Command is { } command ? $"{command} --resume" : "resuming from it";

    /// <summary>What measures the model during the run; null where it is not evaluated.</summary>
    /// <param name="observe">Sees every batch's predictions.</param>
    public Evaluator? Evaluator(Action<IReadOnlyList<Prediction>, IReadOnlyList<Sample>>? observe = null) =>
        ValLoader is null
            ? null
            : new Evaluator
            {
                Loader = ValLoader,
                Metrics = Metrics,
                Device = Device,
                Group = Group,
                Precision = Precision,
                ChannelsLast = ChannelsLast,
                Observe = observe,
            };
}
