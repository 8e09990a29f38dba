using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Processes;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Length and manner of a training.</summary>
public sealed record LoopSettings
{
    public LoopKind Loop { get; init; }

    /// <summary>Epochs or iterations, as <see cref="Loop"/> says.</summary>
    public required long Length { get; init; }

    /// <summary>Epochs or iterations between evaluations; 0 for none.</summary>
    public int ValidateEvery { get; init; } = 1;

    /// <summary>Batches per optimizer step.</summary>
    public int Accumulate { get; init; } = 1;

    public ClipGradOptions? ClipGrad { get; init; }

    /// <summary>Name patterns of parameters that are not trained.</summary>
    public IReadOnlyList<string> Freeze { get; init; } = [];

    /// <summary>Name patterns of modules whose norms keep their statistics.</summary>
    public IReadOnlyList<string> NormEval { get; init; } = [];

    /// <summary>Batch norms take their statistics over all processes.</summary>
    public bool SyncBn { get; init; }
}

/// <summary>Everything a training is made of, built. A test needs no config.</summary>
public sealed record TrainerParts
{
    /// <summary>On the CPU or on the device already; initialised.</summary>
    public required VisionModel Model { get; init; }

    public required IBatchLoader TrainLoader { get; init; }

    public required LoopSettings Loop { get; init; }

    /// <summary>By name; one that stands alone is named "optimizer".</summary>
    public required IReadOnlyDictionary<string, OptimizerFactory> Optimizers { get; init; }

    public IReadOnlyList<Schedule> Schedule { get; init; } = [];

    public IReadOnlyDictionary<string, Penalty> Penalties { get; init; } = new Dictionary<string, Penalty>();

    /// <summary>By their keys in the config.</summary>
    public IReadOnlyDictionary<string, Hook> Hooks { get; init; } = new Dictionary<string, Hook>();

    /// <summary>null: the run is not evaluated.</summary>
    public IBatchLoader? ValLoader { get; init; }

    public IReadOnlyDictionary<string, Metric> Metrics { get; init; } = new Dictionary<string, Metric>();

    public Device Device { get; init; } = CPU;

    public PrecisionChoice Precision { get; init; } = PrecisionChoice.Full;

    public bool ChannelsLast { get; init; }

    public long Seed { get; init; }

    public IProcessGroup Group { get; init; } = new SingleProcess();

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
}
