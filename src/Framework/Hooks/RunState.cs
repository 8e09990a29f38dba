using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Framework.Hooks;

/// <summary>A run as its hooks see it: its parts, where it stands, and what a hook may ask of it.</summary>
/// <remarks>A test of a hook makes one by itself, with the parts that the hook looks at; the others say that they are missing.</remarks>
public sealed class RunState : IDisposable
{
    private static readonly ILogger s_log = Messages.Log.For(Messages.Log.Run);

    private Progress _progress;
    private int _epochsDone;
    private bool _stepDone;
    private IReadOnlyDictionary<string, double> _metrics = new Dictionary<string, double>();
    private Checkpoint? _resumedFrom;
    private Exception? _failure;
    private string? _asked; // in this process: by a hook, or by a signal at any moment
    private string? _stopReason; // what all processes know

    public VisionModel Model
    {
        get => field ?? throw Missing();
        init;
    }

    public OptimizerSet Optimizers
    {
        get => field ?? throw Missing();
        init;
    }

    public IBatchLoader TrainLoader
    {
        get => field ?? throw Missing();
        init;
    }

    public DataInfo Data => TrainLoader.Dataset.Info;

    /// <value>The CPU.</value>
    public Device Device { get; init; } = CPU;

    /// <value>One process.</value>
    public IProcessGroup Group { get; init; } = new SingleProcess();

    /// <summary>How many batches a step sees, over all processes.</summary>
    /// <value>One for each process.</value>
    public int Replicas
    {
        get => field > 0 ? field : Group.WorldSize;
        init;
    }

    /// <summary>Where the run writes.</summary>
    public string WorkDir
    {
        get => field ?? throw Missing();
        init;
    }

    /// <summary>Logs and scalars; null for a run that writes none.</summary>
    public IRunOutput? Output { get; init; }

    /// <summary>What <see cref="Evaluate"/>, <see cref="Capture"/> and <see cref="Describe"/> do.</summary>
    public IRunActions Actions
    {
        get => field ?? throw Missing();
        init;
    }

    /// <summary>Where the run stands. After the last batch of a step, the step counts as done.</summary>
    public Progress Progress
    {
        get => _progress;
        init => _progress = value;
    }

    /// <summary>Epochs that are wholly done.</summary>
    public int EpochsDone
    {
        get => _epochsDone;
        init => _epochsDone = value;
    }

    /// <summary>Whether the last batch completed an optimizer step; with gradient accumulation not every batch does.</summary>
    public bool StepDone
    {
        get => _stepDone;
        init => _stepDone = value;
    }

    /// <summary>The newest evaluation's metrics; empty before the first.</summary>
    public IReadOnlyDictionary<string, double> Metrics
    {
        get => _metrics;
        init => _metrics = value;
    }

    /// <summary>The checkpoint that the run continues from; null for a fresh run.</summary>
    public Checkpoint? ResumedFrom
    {
        get => _resumedFrom;
        init => _resumedFrom = value;
    }

    /// <summary>What the run failed with; null while it goes on, and at the end of one that went well.</summary>
    public Exception? Failure
    {
        get => _failure;
        init => _failure = value;
    }

    /// <summary>Why the run ends early; null where it doesn't.</summary>
    public string? StopReason => _stopReason ?? _asked;

    /// <summary>Ends the run after this iteration, with everything saved; the reason is logged. From any thread.</summary>
    public void Stop(string reason)
    {
        if (Interlocked.CompareExchange(ref _asked, reason, null) is null)
            s_log.LogInformation("Stopping: {0}", reason);
    }

    /// <summary>Adds a value to the next row of scalars.jsonl and TensorBoard.</summary>
    public void Log(string name, double value) => Row.Set(name, value);

    /// <summary>The values added since the last call, and every loss averaged over the batches since then (and over all processes). Reads
    /// the device once.</summary>
    public IReadOnlyDictionary<string, double> TakeLog() => Row.Take(Group);

    /// <summary>Evaluates now; runs the hooks around it.</summary>
    public void Evaluate() => Actions.Evaluate();

    /// <summary>Everything that a resumed run needs. All processes call it together; the tensors live until the next step.</summary>
    public StateWriter Capture() => Actions.Capture();

    /// <summary>What a checkpoint written now says of itself.</summary>
    public CheckpointInfo Describe() => Actions.Describe();

    public void Dispose() => Row.Dispose();

    /// <summary>The row of the log that is being gathered.</summary>
    internal LogRow Row { get; } = new();

    /// <summary>Looks at the losses before their backward; null where nobody does.</summary>
    internal NonFiniteGuard? Guard { get; set; }

    /// <summary>Batches of the present epoch that are done.</summary>
    internal int BatchInEpoch { get; private set; }

    /// <summary>Optimizer steps done when the last evaluation came to its end; -1 before the first.</summary>
    public long EvaluatedAt { get; private set; } = -1;

    /// <summary>Whether the run ends here. All processes ask at the same points and hear the same, though a signal reaches one of them
    /// first, or alone.</summary>
    internal bool Stops()
    {
        _stopReason ??=
            Group.WorldSize == 1
                ? _asked
                : Group
                    .AllGather(Encoding.UTF8.GetBytes(_asked ?? ""))
                    .Select(Encoding.UTF8.GetString)
                    .FirstOrDefault(reason => reason.Length > 0);
        return _stopReason is not null;
    }

    internal void BeginBatch() => _stepDone = false;

    internal void EndBatch() => BatchInEpoch++;

    internal void EndStep() => (_progress, _stepDone) = (_progress with { Iteration = _progress.Iteration + 1 }, true);

    /// <summary>The epoch's batches are done; <see cref="Progress"/> tells of it still, until <see cref="NextEpoch"/>.</summary>
    internal void EndEpoch() => (_epochsDone, BatchInEpoch) = (_progress.Epoch + 1, 0);

    internal void NextEpoch() => _progress = _progress with { Epoch = _epochsDone };

    /// <summary>To where a checkpoint was written: between two steps.</summary>
    internal void MoveTo(long iteration, int epoch, int batchInEpoch, int epochsDone, long evaluatedAt)
    {
        _progress = _progress with { Iteration = iteration, Epoch = epoch };
        (BatchInEpoch, _epochsDone, _stepDone, EvaluatedAt) = (batchInEpoch, epochsDone, true, evaluatedAt);
    }

    internal void Measured(IReadOnlyDictionary<string, double> metrics) => _metrics = metrics;

    /// <summary>An evaluation came to its end, its hooks too.</summary>
    internal void EndEvaluation() => EvaluatedAt = _progress.Iteration;

    internal void Resumes(Checkpoint checkpoint) => _resumedFrom = checkpoint;

    internal void Fails(Exception error) => _failure = error;

    private static InvalidOperationException Missing([CallerMemberName] string part = "") =>
        new($"This run has no {part}: set RunState.{part} where a run is made by hand, for a test.");
}
