using System.Globalization;
using Microsoft.Extensions.Logging;
using Spectre.Console;
using Tessera.Framework.Hooks;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Logging;

/// <summary>
/// Everything a run says: messages to <c>&lt;time&gt;/&lt;time&gt;.log</c> and to the console, values to <c>&lt;time&gt;/scalars.jsonl</c>
/// and to TensorBoard event files in <c>tensorboard</c>, progress to the terminal. A program that has set <see cref="Log.Factory"/> gets
/// the
/// messages there, and the console is left to it. Ranks other than 0 write no file, and only warnings to the console.
/// </summary>
public sealed class RunLog : IRunOutput, IDisposable
{
    private readonly IDisposable? _console;
    private readonly LogFile? _file;
    private readonly ScalarLog? _scalars;
    private readonly TensorBoardWriter? _events;
    private readonly RunProgress? _progress;

    private RunLog(string folder, string workDir, long? resumeFrom, bool writes, IAnsiConsole? console)
    {
        Folder = folder;
        if (console is not null)
            _console = ConsoleLog.Open(console, writes ? LogLevel.Information : LogLevel.Warning);
        if (!writes)
            return;
        Directory.CreateDirectory(folder);
        _file = new LogFile(Path.Combine(folder, Path.GetFileName(folder) + ".log"));
        _scalars = new ScalarLog(Path.Combine(folder, ScalarLog.FileName));
        _events = new TensorBoardWriter(Path.Combine(workDir, "tensorboard"), resumeFrom);
        _progress = new RunProgress(console);
    }

    /// <summary><c>work_dir/&lt;time&gt;</c>.</summary>
    public string Folder { get; }

    /// <param name="resumeFrom">Optimizer steps done at the checkpoint that the run continues from; rows after it are cut from every log of
    /// the work dir. null for a fresh run.</param>
    /// <param name="writes">False for ranks other than 0.</param>
    /// <param name="evaluatesAgain">The run continues with an evaluation, whose row of before is cut, too.</param>
    /// <param name="console">Where messages and the bar appear; by default the process's, or none where the program has set
    /// <see cref="Log.Factory"/>.</param>
    public static RunLog Start(
        string workDir,
        long? resumeFrom = null,
        bool writes = true,
        bool evaluatesAgain = false,
        IAnsiConsole? console = null
    )
    {
        console ??= Log.HasFactory ? null : Consoles.Output;
        var cut = writes && resumeFrom is { } iteration ? ScalarLog.Cut(workDir, iteration, evaluatesAgain) : 0;
        var time = DateTime.Now.ToString("yyyyMMdd_HHmmss", CultureInfo.InvariantCulture);
        var folder = Path.Combine(workDir, time);
        for (var number = 2; writes && Directory.Exists(folder); number++)
            folder = Path.Combine(workDir, $"{time}_{number}");
        var log = new RunLog(folder, workDir, resumeFrom, writes, console);
        if (cut > 0)
            Log.For(Log.Run).LogInformation("{0} rows of {1} are written again and were cut.", cut, ScalarLog.FileName);
        return log;
    }

    /// <summary>One row of scalars.jsonl, and the same values to TensorBoard.</summary>
    /// <param name="iteration">Optimizer steps done.</param>
    /// <param name="kind">"train" or "val".</param>
    public void Scalars(string kind, long iteration, int epoch, IReadOnlyDictionary<string, double> values)
    {
        Write(
            Path.Combine(Folder, ScalarLog.FileName),
            () =>
            {
                _scalars?.Write(kind, iteration, epoch, values);
                _events?.Scalars(iteration, values.Select(value => KeyValuePair.Create($"{kind}/{value.Key}", value.Value)));
            }
        );
    }

    /// <summary>A picture, to TensorBoard.</summary>
    /// <param name="png">An RGB PNG file.</param>
    public void Picture(string tag, long iteration, int height, int width, ReadOnlyMemory<byte> png)
    {
        if (_events is { } events)
            Write(events.Path, () => events.Image(iteration, tag, height, width, channels: 3, png));
    }

    /// <summary>Why the run fails, to its file alone: whoever started the run is given the exception. A defect has its trace.</summary>
    public void Failure(Exception error)
    {
        var message = error is UserErrorException ? error.Message : "The run failed.";
        _file?.Error(Log.Wording?.Invoke(message, []) ?? message, error is UserErrorException ? null : error);
    }

    private static void Write(string path, Action write)
    {
        try
        {
            write();
        }
        catch (IOException error)
        {
            throw new UserErrorException($"{path}\n  The run's values can't be written: {error.Message}", error);
        }
    }

    /// <summary>Moves the bar; does nothing where the output is piped. Cheap: call it every iteration.</summary>
    public void Progress(long iteration, long totalIterations) => _progress?.Move(iteration, totalIterations);

    /// <summary>Figures for the bar and, as one line, for the log (and for the console where the output is piped).</summary>
    public void Report(ProgressReport report) => _progress?.Report(report);

    public void Dispose()
    {
        _progress?.Dispose();
        _scalars?.Dispose();
        _events?.Dispose();
        _file?.Dispose();
        _console?.Dispose();
    }
}
