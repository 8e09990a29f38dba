using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Logging;
using Tessera.Tools.Output;

namespace Tessera.Tools.Experiments;

/// <summary>How far an experiment has come: a line as each run ends, and between them a bar on a terminal, or now and then a line for each
/// run where the output is piped.</summary>
/// <param name="total">Runs in all.</param>
/// <param name="before">Those that were trained before.</param>
/// <param name="metric">Shown as runs end; null for none.</param>
internal sealed class RunProgressReport(int total, int before, string? metric)
{
    private const int LineWidth = 140;

    private static readonly TimeSpan s_betweenMoves = TimeSpan.FromSeconds(1),
        s_betweenLines = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly ToolConsole _console = ToolConsole.Current;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private int _trained,
        _failed;
    private TimeSpan _said;
    private ConsoleProgress? _bar;

    private int Ended => before + _trained + _failed;

    /// <summary>Begins to show it, until what is returned is disposed.</summary>
    /// <param name="running">The runs of the moment, each with what it said last.</param>
    public IDisposable Begin(Func<IEnumerable<(string Run, string Line)>> running)
    {
        if (before > 0)
            Note($"{before} of {total} {(total == 1 ? "run is" : "runs are")} trained already.");
        var timer = new Timer(_ => Move(running()), null, s_betweenMoves, s_betweenMoves);
        return new Ending(() =>
        {
            using var ended = new ManualResetEvent(false);
            timer.Dispose(ended);
            ended.WaitOne();
            _console.EndProgress();
        });
    }

    public void Done(TrainedRun run)
    {
        lock (_lock)
        {
            _trained++;
            var value = metric is null ? "" : string.Create(CultureInfo.InvariantCulture, $"  {metric} {run[metric]:0.0000}");
            _console.Note($"{run.Run.Name}:{value}  ({Time(TimeSpan.FromSeconds(run.Result.Seconds))}; {Ended} of {total}{Left()})");
        }
    }

    public void Failed(FailedRun run)
    {
        lock (_lock)
        {
            _failed++;
            _console.Warning($"{run.Run.Name} failed ({Ended} of {total}). Its log: {run.Log}");
        }
    }

    public void Note(string text)
    {
        lock (_lock)
            _console.Note(text);
    }

    private void Move(IEnumerable<(string Run, string Line)> running)
    {
        lock (_lock)
        {
            if (_console.ShowsBars)
            {
                _bar ??= _console.ShowBar("training");
                _bar.Move(Ended, total);
                _bar.Describe($"{Ended}/{total} runs  {string.Join(", ", running.Select(entry => entry.Run))}");
            }
            else if (_watch.Elapsed - _said >= s_betweenLines)
            {
                _said = _watch.Elapsed;
                foreach (var (run, line) in running)
                    _console.Note($"{run}: {(line.Length > LineWidth ? line[..LineWidth] : line)}");
            }
        }
    }

    private string Left()
    {
        if (_trained == 0 || Ended >= total)
            return "";
        var each = _watch.Elapsed / _trained; // with as many at once as there are
        return $", about {Time(each * (total - Ended))} left";
    }

    private static string Time(TimeSpan time) =>
        time.TotalHours >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00} h")
            : string.Create(CultureInfo.InvariantCulture, $"{time.Minutes}:{time.Seconds:00} min");

    private sealed class Ending(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
