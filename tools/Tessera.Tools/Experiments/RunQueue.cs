using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Tessera.Framework.Configuration;

namespace Tessera.Tools.Experiments;

/// <summary>A training that ended by an error.</summary>
/// <param name="Reason">What it said.</param>
/// <param name="Log">All of what it said.</param>
internal sealed record FailedRun(ExperimentRun Run, int Code, string Reason, string Log);

/// <summary>Trains the runs of an experiment, several at once; those that are trained already are passed over.</summary>
internal sealed class RunQueue : IDisposable
{
    private readonly ExperimentFolder _folder;
    private readonly RunProgressReport _progress;
    private readonly ConcurrentQueue<ExperimentRun> _waiting;
    private readonly ConcurrentDictionary<ExperimentRun, ChildRun> _running = new();
    private readonly ConcurrentBag<FailedRun> _failed = [];
    private readonly PosixSignalRegistration _interrupt,
        _terminate;

    private int _signals;

    /// <param name="runs">Prepared (<see cref="ExperimentFolder.Prepare"/>).</param>
    /// <param name="metric">Shown as runs end; null for none.</param>
    public RunQueue(ExperimentFolder folder, IReadOnlyList<ExperimentRun> runs, string? metric)
    {
        _folder = folder;
        var waiting = runs.Where(run => folder.Trained(run) is null).ToArray();
        _waiting = new ConcurrentQueue<ExperimentRun>(waiting);
        _progress = new RunProgressReport(runs.Count, runs.Count - waiting.Length, metric);
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Hear);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Hear);
    }

    /// <summary>Whether somebody ended it before all were trained.</summary>
    public bool Interrupted => Volatile.Read(ref _signals) > 0;

    /// <summary>Trains until none waits, or somebody interrupts. A run that fails doesn't hold up the others.</summary>
    /// <param name="jobs">How many at once.</param>
    public IReadOnlyList<FailedRun> Train(int jobs)
    {
        using (_progress.Begin(() => _running.Select(entry => (entry.Key.Name, entry.Value.LastLine))))
        {
            var workers = Enumerable
                .Range(0, Math.Min(jobs, _waiting.Count))
                .Select(_ => Task.Factory.StartNew(Work, TaskCreationOptions.LongRunning));
            Task.WaitAll([.. workers]);
        }
        return [.. _failed.OrderBy(failed => failed.Run.Name, StringComparer.Ordinal)];
    }

    public void Dispose()
    {
        _interrupt.Dispose();
        _terminate.Dispose();
    }

    private void Work()
    {
        while (!Interrupted && _waiting.TryDequeue(out var run))
            Train(run);
    }

    private void Train(ExperimentRun run)
    {
        var folder = _folder.Of(run);
        var config = Path.Combine(folder, ExperimentFolder.ConfigName);
        var log = SourceLocation.Display(Path.Combine(folder, ExperimentFolder.ConsoleName));
        int code;
        string complaint;
        using (var child = ChildRun.Start(config, folder, ["--resume"], start => ChildRun.KeepDataRoot(start, run.Config)))
        {
            _running[run] = child;
            if (Interrupted)
                child.Stop(); // the signal came before it was known
            (code, complaint) = child.Wait();
            _running.TryRemove(run, out _);
        }
        if (code == 0 && _folder.Trained(run) is { } trained)
            _progress.Done(trained);
        else if (!Interrupted)
            Fail(new FailedRun(run, code, code == 0 ? "The run ended before its end." : complaint, log));
    }

    private void Fail(FailedRun failed)
    {
        _failed.Add(failed);
        _progress.Failed(failed);
    }

    /// <summary>The first signal lets the trainings end after their present iteration, with everything saved; the second ends them at
    /// once.</summary>
    private void Hear(PosixSignalContext context)
    {
        context.Cancel = true;
        var first = Interlocked.Increment(ref _signals) == 1;
        if (first)
            _progress.Note("Stopping: the trainings save and end. A second signal ends them at once.");
        foreach (var child in _running.Values)
        {
            if (first)
                child.Stop();
            else
                child.Kill();
        }
    }
}
