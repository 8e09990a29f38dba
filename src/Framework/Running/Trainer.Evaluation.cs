using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Processes;
using Tessera.Framework.Running.Diagnosis;
using Tessera.Torch.Memory;
using static TorchSharp.torch;

namespace Tessera.Framework.Running;

/// <summary>Evaluations, and what is left when one fails.</summary>
public sealed partial class Trainer
{
    private long _evaluatedAt = -1; // optimizer steps done when the last evaluation came to its end

    /// <summary>Whether the run was resumed from a checkpoint that was written just before an evaluation, which never came to its
    /// end.</summary>
    private bool EvaluationIsOwed =>
        _parts.ValLoader is not null
        && _evaluatedAt != _iteration
        && _iteration > 0
        && (
            CountsIterations
                ? _evaluation.IsDueAt(_iteration, _totalSteps)
                : _batchInEpoch == 0 && _evaluation.IsDueAt(_epochsDone, _totalEpochs)
        );

    /// <summary>Whether a checkpoint was written just before an evaluation that never came to its end.</summary>
    public static bool OwesEvaluation(Checkpoint? checkpoint) =>
        checkpoint?.Value($"{CheckpointParts.Loader}.{EvaluatedAt}") is JsonValue value
        && value.TryGetValue<long>(out var at)
        && at != checkpoint.Info.Iteration;

    public override void Evaluate()
    {
        if (_parts.ValLoader is null)
            return;
        GradientAverager.Broadcast(Model.buffers(), Group); // running statistics: rank 0's are the run's
        RequireFinite(Model.state_dict().Select(entry => KeyValuePair.Create($"model.{entry.Key}", entry.Value)));
        try
        {
            Measure();
        }
        catch (Exception error) when (error is not NonFiniteLossException)
        {
            foreach (var hook in _hooks)
                hook.EvaluationFailed(this);
            TrainMode();
            if (SavedDespite() is not { } saved)
                throw;
            var text =
                $"The evaluation after iteration {_iteration} failed. The training up to there is saved in {saved}: once the cause is "
                + $"mended, {GoesOn} evaluates again and goes on.";
            if (error is UserErrorException)
                throw new UserErrorException($"{error.Message}\n  {text}", error);
            s_log.LogError("{0}", text);
            throw;
        }
        foreach (var hook in _hooks.OfType<ISavesEvaluations>())
            hook.SaveEvaluation(this);
    }

    private void Measure()
    {
        foreach (var hook in _hooks)
            hook.BeforeEvaluation(this);
        var evaluator = new Evaluator
        {
            Loader = _parts.ValLoader!,
            Metrics = _parts.Metrics,
            Device = Device,
            Group = Group,
            Precision = _parts.Precision,
            ChannelsLast = _parts.ChannelsLast,
        };
        try
        {
            _metrics = new Dictionary<string, double>(evaluator.Run(Model));
        }
        finally
        {
            _skippedInVal?.Tell();
        }
        ProcessMemory.GiveBack();
        TrainMode();
        if (evaluator.NonFinite.Text is { } warning)
            s_log.LogWarning("{0}", warning);
        Output?.Scalars("val", _iteration, _epochsDone, _metrics);
        var report = MetricReport.Of(_parts.Metrics.Values);
        s_log.LogInformation(
            "Evaluation after iteration {0}: {1}",
            _iteration,
            string.Join("  ", report.Listed(_metrics).Select(metric => FormattableString.Invariant($"{metric.Key} {metric.Value:0.####}")))
        );
        if (Evaluator.Coverage(_metrics) is { } coverage)
            s_log.LogWarning("{0}", coverage);
        foreach (var table in report.Tables)
            s_log.LogInformation("\n{0}", TextTable.Format(table));
        foreach (var note in report.Notes)
            s_log.LogInformation("{0}", note);
        _schedule.Observe(_metrics, _iteration);
        foreach (var hook in _hooks)
            hook.AfterEvaluation(this, _metrics);
        _evaluatedAt = _iteration;
    }

    /// <summary>The checkpoint that holds the training up to here, written now where there is none; null where none could be.</summary>
    private string? SavedDespite()
    {
        try
        {
            return _hooks.OfType<ISavesEvaluations>().Select(hook => hook.SaveDespite(this)).FirstOrDefault(path => path is not null);
        }
        catch (Exception error) when (error is UserErrorException or NonFiniteLossException)
        {
            s_log.LogWarning("Nor could the training be saved: {0}", error.Message);
            return null;
        }
    }

    /// <exception cref="UserErrorException">A tensor holds a NaN or an infinity.</exception>
    private void RequireFinite(IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        var broken = FiniteState.Broken(tensors);
        if (broken.Count == 0)
            return;
        throw FiniteState.Error(
            broken,
            Model,
            Progress,
            NewestCheckpoint is { } newest ? $"The checkpoint before it, {newest}, is good: {GoesOn} goes on from it." : null
        );
    }

    private string? NewestCheckpoint => CheckpointHook.Newest(WorkDir);

    /// <summary>What a user types to take the run up again.</summary>
    private string GoesOn => _parts.Command is { } command ? $"{command} --resume" : "resuming from it";
}
