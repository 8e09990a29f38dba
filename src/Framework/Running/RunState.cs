using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Optimization;
using Tessera.Framework.Runtime;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>A run as its hooks see it.</summary>
public abstract class RunState
{
    public abstract VisionModel Model { get; }
    public abstract OptimizerSet Optimizers { get; }
    public abstract IBatchLoader TrainLoader { get; }
    public abstract Device Device { get; }
    public abstract IProcessGroup Group { get; }
    public abstract ITorchRuntime Runtime { get; }
    public abstract Progress Progress { get; }

    /// <summary>Where the run writes.</summary>
    public abstract string WorkDir { get; }

    /// <summary>Ends the run after this iteration, with everything saved; the reason is logged.</summary>
    public abstract void Stop(string reason);

    /// <summary>Adds a value to the next row of scalars.jsonl and TensorBoard.</summary>
    public abstract void Log(string name, double value);
}
