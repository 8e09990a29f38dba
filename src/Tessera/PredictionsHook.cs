using Microsoft.Extensions.Logging;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;
using Tessera.Framework.Models;
using Tessera.Predictions;

namespace Tessera;

/// <param name="Every">Stores after every evaluation, in place of those of the one before; by default after the run's last alone, and
/// after every one where an EarlyStoppingHook may make it the last.</param>
public sealed record PredictionsHookOptions(bool? Every = null);

/// <summary>Stores what the run's last evaluation predicts in the work dir's folder predictions, for comparisons of runs, ensembles, and
/// metrics thought of later. Belongs to every run unless the config sets <c>predictions</c> itself.</summary>
/// <remarks>Where they can't be stored a warning says so, and the run goes on.</remarks>
[Component("PredictionsHook")]
public sealed class PredictionsHook(PredictionsHookOptions options, Session session) : Hook, IObservesPredictions, IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private PredictionRecorder? _recorder;
    private PredictionSpool? _spool;

    /// <summary>Whether something may end the run before its length is over.</summary>
    internal bool MayEndEarly { get; set; }

    public override void BeforeEvaluation(RunState run)
    {
        Dispose();
        if (!(options.Every ?? MayEndEarly) && !IsLast(run))
            return;
        var header = new PredictionHeader(
            SessionData.NameOf(DataPart.Val),
            session.Data[DataPart.Val].Info,
            FormattableString.Invariant($"iteration {run.Progress.Iteration} of the run")
        );
        if (run.Group.Rank == 0)
            _recorder = new PredictionRecorder(
                () => PredictionFileWriter.Create(run.WorkDir, header, session.Options.DataRoot),
                text => s_log.LogWarning("{0}", text)
            );
        else
            _spool = new PredictionSpool(new PredictionEncoder(header.Data, session.Options.DataRoot));
    }

    public void Observe(RunState run, IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
        {
            _recorder?.Write(samples[i], predictions[i]);
            _spool?.Write(samples[i], predictions[i]);
        }
    }

    public override void AfterEvaluation(RunState run, IReadOnlyDictionary<string, double> metrics)
    {
        if (_recorder is null && _spool is null)
            return;
        if (run.Group.WorldSize > 1)
            PredictionSpool.Gather(run.Group, _spool, _recorder);
        if (_recorder?.Complete(metrics) is { } file)
            s_log.LogInformation("Predictions of {0} are stored in {1}.", SessionData.NameOf(DataPart.Val), file);
        Dispose();
    }

    public override void EvaluationFailed(RunState run) => Dispose();

    public void Dispose()
    {
        _recorder?.Dispose();
        _spool?.Dispose();
        (_recorder, _spool) = (null, null);
    }

    /// <summary>Whether no evaluation comes after this one. Where the loader left out samples, an epoch has fewer steps than the run's
    /// length
    /// was reckoned with.</summary>
    private bool IsLast(RunState run)
    {
        var accumulate = session.Options.Train!.Accumulate;
        var steps = (run.TrainLoader.BatchesPerEpoch + accumulate - 1) / accumulate;
        return Math.Max(run.Progress.Iteration, (long)run.EpochsDone * steps) >= run.Progress.TotalIterations;
    }
}
