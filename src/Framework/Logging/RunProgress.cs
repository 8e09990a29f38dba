using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Logging;

/// <summary>How far a run has come: a bar with its figures on a terminal, lines of the log elsewhere.</summary>
internal sealed class RunProgress : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Progress);

    private readonly ConsoleProgress? _bar;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long? _first;

    /// <param name="console">null where the run shows no bar.</param>
    public RunProgress(IAnsiConsole? console)
    {
        if (console is not null && Consoles.IsTerminal(console))
            _bar = new ConsoleProgress(console, "starting");
    }

    /// <summary>Moves the bar. Cheap.</summary>
    public void Move(long iteration, long total)
    {
        _first ??= iteration;
        _bar?.Move(iteration, total);
    }

    public void Report(ProgressReport report)
    {
        _first ??= report.Iteration;
        var done = report.Iteration - _first.Value;
        TimeSpan? remaining = done > 0 ? _watch.Elapsed * ((report.TotalIterations - report.Iteration) / (double)done) : null;
        _bar?.Move(report.Iteration, report.TotalIterations);
        _bar?.Describe($"epoch {Math.Min(report.Epoch + 1, report.TotalEpochs)}/{report.TotalEpochs}  {report.ToFigures(remaining)}");
        // The bar says it on a terminal; the file gets the line at any rate.
        s_log.Log(_bar is null ? LogLevel.Information : LogLevel.Debug, "{0}", report.ToLine(remaining));
    }

    public void Dispose() => _bar?.Dispose();
}
