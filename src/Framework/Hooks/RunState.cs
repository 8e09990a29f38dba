using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Logging;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Running;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <summary>A run as its hooks see it.</summary>
public abstract class RunState
{
    public abstract VisionModel Model { get; }
    public abstract OptimizerSet Optimizers { get; }
    public abstract IBatchLoader TrainLoader { get; }
    public abstract DataInfo Data { get; }
    public abstract Device Device { get; }
    public abstract IProcessGroup Group { get; }

    /// <summary>Where the run stands. After the last batch of a step, the step counts as done.</summary>
    public abstract Progress Progress { get; }

    /// <summary>Epochs that are wholly done.</summary>
    public abstract int EpochsDone { get; }

    /// <summary>Whether the last batch completed an optimizer step; with gradient accumulation not every batch does.</summary>
    public abstract bool StepDone { get; }

    /// <summary>Where the run writes.</summary>
    public abstract string WorkDir { get; }

    /// <summary>Logs and scalars; null for a run that writes none.</summary>
    public abstract IRunOutput? Output { get; }

    /// <summary>The newest evaluation's metrics; empty before the first.</summary>
    public abstract IReadOnlyDictionary<string, double> Metrics { get; }

    /// <summary>The checkpoint that the run continues from; null for a fresh run.</summary>
    public abstract Checkpoint? ResumedFrom { get; }

    /// <summary>What the run failed with; null while it goes on, and at the end of one that went well.</summary>
    public abstract Exception? Failure { get; }

    /// <summary>Ends the run after this iteration, with everything saved; the reason is logged.</summary>
    public abstract void Stop(string reason);

    /// <summary>Adds a value to the next row of scalars.jsonl and TensorBoard.</summary>
    public abstract void Log(string name, double value);

    /// <summary>The values added since the last call, and every loss averaged over the batches since then (and over all processes). Reads
    /// the device once.</summary>
    public abstract IReadOnlyDictionary<string, double> TakeLog();

    /// <summary>Evaluates now; runs the hooks around it.</summary>
    public abstract void Evaluate();

    /// <summary>Everything that a resumed run needs. All processes call it together; the tensors live until the next step.</summary>
    public abstract StateWriter Capture();

    /// <summary>What a checkpoint written now says of itself.</summary>
    public abstract CheckpointInfo Describe();
}
