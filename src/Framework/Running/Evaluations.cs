using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;
using Tessera.Framework.Optimization;
using Tessera.Torch.Memory;

namespace Tessera.Framework.Running;

/// <summary>The evaluations of a run, and what is left when one fails.</summary>
internal sealed class Evaluations(
    TrainerParts parts,
    RunState state,
    TrainStep step,
    ScheduleChain schedule,
    HookList hooks,
    StateKeeper keeper
)
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly Evaluator? _evaluator = parts.Evaluator(
        hooks.Ordered.Select(entry => entry.Hook).OfType<IObservesPredictions>().ToArray() is { Length: > 0 } observers
            ? (predictions, samples) => Array.ForEach(observers, observer => observer.Observe(state, predictions, samples))
            : null
    );
    private readonly SkippedSamples? _skipped = parts.ValLoader is null
        ? null
        : new SkippedSamples(parts.ValLoader, "val", text => s_log.LogWarning("{0}", text));

    /// <summary>Whether the run was resumed from a checkpoint that was written just before an evaluation, which never came to its
    /// end.</summary>
    public bool IsOwed =>
        _evaluator is not null
        && state.Progress.Iteration > 0
        && state.EvaluatedAt != state.Progress.Iteration
        && (parts.Loop.EvaluatesAfterStep(state) || (state.BatchInEpoch == 0 && parts.Loop.EvaluatesAfterEpoch(state)));

    /// <summary>Whether a checkpoint was written just before an evaluation that never came to its end.</summary>
    public static bool AreOwedBy(Checkpoint? checkpoint) =>
        checkpoint?.Value($"{CheckpointParts.Loader}.{StateKeeper.EvaluatedAt}") is JsonValue value
        && value.TryGetValue<long>(out var at)
        && at != checkpoint.Info.Iteration;

    /// <summary>Evaluates, with the hooks around it. Where it fails the training up to here is saved.</summary>
    public void Run()
    {
        if (_evaluator is null)
            return;
        step.Assemble();
        keeper.RequireFinite(state.Model.state_dict().Select(entry => KeyValuePair.Create($"model.{entry.Key}", entry.Value)));
        try
        {
            hooks.Evaluation(state, () => Measure(_evaluator));
            state.EndEvaluation();
        }
        catch (Exception error) when (error is not NonFiniteLossException)
        {
            if (SavedDespite() is not { } saved)
                throw;
            var text =
                $"The evaluation after iteration {state.Progress.Iteration} failed. The training up to there is saved in {saved}: once the "
                + $"cause is mended, {parts.GoesOn} evaluates again and goes on.";
            if (error is UserErrorException)
                throw new UserErrorException($"{error.Message}\n  {text}", error);
            s_log.LogError("{0}", text);
            throw;
        }
        foreach (var hook in hooks.Ordered.Select(entry => entry.Hook).OfType<ISavesEvaluations>())
            hook.SaveEvaluation(state);
    }

    private void Measure(Evaluator evaluator)
    {
        try
        {
            state.Measured(evaluator.Run(state.Model));
        }
        finally
        {
            _skipped?.Tell();
            step.TrainMode();
        }
        ProcessMemory.GiveBack();
        Tell(evaluator);
        schedule.Observe(state.Metrics, state.Progress.Iteration);
    }

    private void Tell(Evaluator evaluator)
    {
        var (metrics, iteration) = (state.Metrics, state.Progress.Iteration);
        if (evaluator.NonFinite.Text is { } warning)
            s_log.LogWarning("{0}", warning);
        state.Output?.Scalars("val", iteration, state.EpochsDone, metrics);
        var report = MetricReport.Of(parts.Metrics.Values);
        s_log.LogInformation(
            "Evaluation after iteration {0}: {1}",
            iteration,
            string.Join("  ", report.Listed(metrics).Select(metric => FormattableString.Invariant($"{metric.Key} {metric.Value:0.####}")))
        );
        if (Evaluator.Coverage(metrics) is { } coverage)
            s_log.LogWarning("{0}", coverage);
        foreach (var table in report.Tables)
            s_log.LogInformation("\n{0}", TextTable.Format(table));
        foreach (var note in report.Notes)
            s_log.LogInformation("{0}", note);
    }

    /// <summary>The checkpoint that holds the training up to here, written now where there is none; null where none could be.</summary>
    private string? SavedDespite()
    {
        try
        {
            return hooks
                .Ordered.Select(entry => entry.Hook)
                .OfType<ISavesEvaluations>()
                .Select(hook => hook.SaveDespite(state))
                .FirstOrDefault(path => path is not null);
        }
        catch (Exception error) when (error is UserErrorException or NonFiniteLossException)
        {
            s_log.LogWarning("Nor could the training be saved: {0}", error.Message);
            return null;
        }
    }
}
