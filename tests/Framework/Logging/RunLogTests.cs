using Microsoft.Extensions.Logging;
using Spectre.Console.Testing;
using Tessera.Framework.Hooks;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Tests.Framework.Running;

namespace Tessera.Tests.Framework.Logging;

/// <summary>Where the messages of a run go. Alone, since loggers are the process's.</summary>
[Collection(ProcessWide.Name)]
public sealed class RunLogTests : IDisposable
{
    private static readonly ILogger s_log = Log.For(Log.Run);

    private readonly TemporaryFolder _folder = new();
    private readonly TestConsole _pipe = new();
    private readonly TestConsole _terminal = new TestConsole().Interactive().SupportsAnsi(true).Width(100);

    public void Dispose()
    {
        _terminal.Dispose();
        _pipe.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Piped_MessagesAndFigures_ArePlainLines_OfAnyLength()
    {
        var path = $"/data/[a] folder/{new string('x', 300)}.png";
        using (var log = RunLog.Start(_folder.Path, console: _pipe))
        {
            s_log.LogInformation("Read {0}", path);
            s_log.LogWarning("odd: {0}", "\u001b[2J"); // a file's name that would clear the screen
            s_log.LogDebug("for the file alone");
            log.Report(Figures(5));
        }
        s_log.LogInformation("after the end");
        Assert.Equal(3, _pipe.Lines.Count);
        Assert.Matches(@"^\d\d:\d\d:\d\d Read /data/\[a\] folder/x{300}\.png$", _pipe.Lines[0]);
        Assert.EndsWith(" WARN odd: □[2J", _pipe.Lines[1], StringComparison.Ordinal);
        Assert.Contains(" epoch 1/2  iter 5/10  loss 0.5  123.4 img/s  data 5 %", _pipe.Lines[2], StringComparison.Ordinal);
        var text = File.ReadAllText(Directory.GetFiles(_folder.Path, "*.log", SearchOption.AllDirectories).Single());
        Assert.Contains("DEBUG Run  for the file alone", text, StringComparison.Ordinal);
        Assert.Contains($"INFO  Run  Read {path}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Terminal_FiguresStandBesideABar_AndInTheFile()
    {
        using (var log = RunLog.Start(_folder.Path, console: _terminal))
        {
            log.Progress(4, 10);
            log.Report(Figures(5));
            Until(() => _terminal.Output.Contains("50%", StringComparison.Ordinal));
            s_log.LogInformation("above the bar");
        }
        Assert.Contains("epoch 1/2  loss 0.5  123.4 img/s", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains("above the bar", _terminal.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("iter 5/10", _terminal.Output, StringComparison.Ordinal);
        var text = File.ReadAllText(Directory.GetFiles(_folder.Path, "*.log", SearchOption.AllDirectories).Single());
        Assert.Contains("DEBUG Progress  epoch 1/2  iter 5/10", text, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherRanks_SayWarningsAlone_AndWriteNoFile()
    {
        using (var log = RunLog.Start(_folder.Path, writes: false, console: _pipe))
        {
            s_log.LogInformation("said by rank 0, too");
            s_log.LogWarning("only here");
            log.Report(Figures(5));
        }
        Assert.Contains("WARN only here", Assert.Single(_pipe.Lines), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void OwnFactory_IsKept_AndTheRunAddsItsFile()
    {
        var own = new Recorder();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(own));
        Log.Factory = factory;
        var (output, said) = (Console.Out, new StringWriter());
        Console.SetOut(said);
        try
        {
            using (var log = RunLog.Start(_folder.Path))
            {
                Assert.Same(factory, Log.Factory);
                s_log.LogInformation("to both");
                log.Report(Figures(5));
            }
            s_log.LogInformation("afterwards");
        }
        finally
        {
            Console.SetOut(output);
            Log.Factory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance;
        }
        Assert.Equal(["to both", "afterwards"], own.Of(Log.Run));
        Assert.Single(own.Of(Log.Progress));
        Assert.Equal("", said.ToString()); // the console is the program's own
        var text = File.ReadAllText(Directory.GetFiles(_folder.Path, "*.log", SearchOption.AllDirectories).Single());
        Assert.Contains("to both", text, StringComparison.Ordinal);
        Assert.DoesNotContain("afterwards", text, StringComparison.Ordinal);
    }

    [Fact]
    public void TwoRuns_OnOneConsole_SayNothingTwice()
    {
        using (RunLog.Start(_folder.Path, console: _pipe))
        using (RunLog.Start(_folder.Path, console: _pipe))
            s_log.LogInformation("once");
        Assert.Single(_pipe.Lines);
    }

    internal static void Until(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), "It did not happen within 20 s.");

    private static ProgressReport Figures(long iteration) =>
        new(iteration, 10, 0, 2, 123.4, 0.05, null, new Dictionary<string, double> { ["loss"] = 0.5 });
}
