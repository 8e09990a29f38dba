using System.Diagnostics;
using System.Globalization;
using NLog;
using NLog.Config;
using NLog.Extensions.Logging;
using NLog.Targets;
using Spectre.Console;
using Tessera.Framework.Hooks;

namespace Tessera.Framework.Logging;

/// <summary>
/// Everything a run says: NLog to the console and to <c>&lt;time&gt;/&lt;time&gt;.log</c>, values to
/// <c>&lt;time&gt;/scalars.jsonl</c> and to TensorBoard event files in <c>tensorboard</c>, progress to the terminal.
/// Ranks other than 0 write nothing.
/// </summary>
public sealed class RunLog : IRunOutput, IDisposable
{
    private const string ConsoleName = "console";

    private static readonly Lock Configuring = new();
    private static readonly Logger Log = LogManager.GetLogger("progress");

    private readonly FileTarget? _file;
    private readonly ScalarLog? _scalars;
    private readonly TensorBoardWriter? _events;
    private readonly ConsoleProgress? _progress;
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private long? _first;

    private RunLog(string folder, string workDir, long? resumeFrom, bool writes)
    {
        Folder = folder;
        if (!writes)
            return;
        Directory.CreateDirectory(folder);
        _file = new FileTarget
        {
            Name = folder,
            FileName = NLog.Layouts.Layout.FromLiteral(Path.Combine(folder, Path.GetFileName(folder) + ".log")),
            Layout = "${longdate} ${level:uppercase=true:padding=-5} ${logger:shortName=true}  ${message:withException=true}",
            AutoFlush = true,
        };
        Add(_file, LogLevel.Debug);
        _scalars = new ScalarLog(Path.Combine(folder, ScalarLog.FileName));
        _events = new TensorBoardWriter(Path.Combine(workDir, "tensorboard"), resumeFrom);
        if (ConsoleProgress.IsPossible(AnsiConsole.Console))
            _progress = new ConsoleProgress(AnsiConsole.Console);
    }

    /// <summary><c>work_dir/&lt;time&gt;</c>.</summary>
    public string Folder { get; }

    /// <param name="resumeFrom">Optimizer steps done at the checkpoint that the run continues from; rows after it are cut from every log of
    /// the work dir. null for a fresh run.</param>
    /// <param name="writes">False for ranks other than 0.</param>
    /// <param name="evaluatesAgain">The run continues with an evaluation, whose row of before is cut, too.</param>
    public static RunLog Start(string workDir, long? resumeFrom = null, bool writes = true, bool evaluatesAgain = false)
    {
        ToConsole(writes ? LogLevel.Info : LogLevel.Warn);
        var cut = writes && resumeFrom is { } iteration ? ScalarLog.Cut(workDir, iteration, evaluatesAgain) : 0;
        var time = DateTime.Now.ToString("yyyyMMdd_HHmmss", CultureInfo.InvariantCulture);
        var folder = Path.Combine(workDir, time);
        for (var number = 2; writes && Directory.Exists(folder); number++)
            folder = Path.Combine(workDir, $"{time}_{number}");
        var log = new RunLog(folder, workDir, resumeFrom, writes);
        if (cut > 0)
            Log.Info("{0} rows of {1} are written again and were cut.", cut, ScalarLog.FileName);
        return log;
    }

    /// <summary>Standard error alone, for tools without a work dir, until what is returned is disposed.</summary>
    public static IDisposable ToErrors()
    {
        var target = new ConsoleTarget { Name = "errors", StdErr = true };
        target.Layout = "${when:when=level>=LogLevel.Warn:inner=${level:uppercase=true} }${message:withException=true}";
        Add(target, LogLevel.Info);
        return new Removal(target);
    }

    /// <summary>One row of scalars.jsonl, and the same values to TensorBoard.</summary>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="kind">"train" or "val".</param>
    public void Scalars(string kind, long iteration, int epoch, IReadOnlyDictionary<string, double> values)
    {
        try
        {
            _scalars?.Write(kind, iteration, epoch, values);
            _events?.Scalars(iteration, values.Select(value => KeyValuePair.Create($"{kind}/{value.Key}", value.Value)));
        }
        catch (IOException error)
        {
            throw new UserErrorException(
                $"{Path.Combine(Folder, ScalarLog.FileName)}\n  The run's values can't be written: {error.Message}",
                error
            );
        }
    }

    /// <summary>Moves the bar; does nothing where the output is piped. Cheap: call it every iteration.</summary>
    public void Progress(long iteration, long totalIterations)
    {
        _first ??= iteration;
        _progress?.Move(iteration, totalIterations);
    }

    /// <summary>Figures for the bar and, as one line, for the log (and for the console where the output is piped).</summary>
    public void Report(ProgressReport report)
    {
        if (_file is null)
            return;
        _first ??= report.Iteration;
        var done = report.Iteration - _first.Value;
        TimeSpan? remaining = done > 0 ? _watch.Elapsed * ((report.TotalIterations - report.Iteration) / (double)done) : null;
        _progress?.Move(report.Iteration, report.TotalIterations);
        _progress?.Describe($"epoch {report.Epoch + 1}/{report.TotalEpochs}  {report.ToFigures(remaining)}");
        // The bar says it on a terminal; the file gets the line at any rate.
        Log.Log(_progress is null ? LogLevel.Info : LogLevel.Debug, "{0}", report.ToLine(remaining));
    }

    public void Dispose()
    {
        _progress?.Dispose();
        _scalars?.Dispose();
        _events?.Dispose();
        if (_file is not null)
            Remove(_file);
    }

    private static void ToConsole(LogLevel level)
    {
        lock (Configuring)
            if (LogManager.Configuration?.FindTargetByName(ConsoleName) is not null)
                return;
        const string layout =
            "${date:format=HH\\:mm\\:ss} ${when:when=level>=LogLevel.Warn:inner=${level:uppercase=true} }${message:withException=true}";
        TargetWithLayout console = ConsoleProgress.IsPossible(AnsiConsole.Console)
            ? new TerminalTarget(AnsiConsole.Console)
            : new ConsoleTarget();
        console.Name = ConsoleName;
        console.Layout = layout;
        Add(console, level);
    }

    private static void Remove(Target target)
    {
        lock (Configuring)
        {
            LogManager.Flush();
            LogManager.Configuration?.RemoveTarget(target.Name!);
            LogManager.ReconfigExistingLoggers();
        }
        target.Dispose();
    }

    private sealed class Removal(Target target) : IDisposable
    {
        public void Dispose() => Remove(target);
    }

    private static void Add(Target target, LogLevel level)
    {
        lock (Configuring)
        {
            if (Messages.Log.Factory is not NLogLoggerFactory)
                Messages.Log.Factory = new NLogLoggerFactory();
            var configuration = LogManager.Configuration ?? new LoggingConfiguration();
            configuration.AddTarget(target);
            configuration.AddRule(level, LogLevel.Fatal, target);
            LogManager.Configuration = configuration;
        }
    }
}
