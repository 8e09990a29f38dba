using Spectre.Console;
using Spectre.Console.Testing;
using Tessera.Framework.Metrics;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.Output;

public sealed class ToolConsoleTests : IDisposable
{
    private const string Folder = "/data/[2026] café";

    private readonly TestConsole _output = new(),
        _errors = new(),
        _terminal = new TestConsole().Interactive().SupportsAnsi(true).Width(60);

    private ToolConsole Piped => new(_output, _errors);

    private ToolConsole OnTerminal => new(_terminal, _terminal);

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
        _terminal.Dispose();
    }

    [Fact]
    public void Piped_EverythingIsPlainAndWhole()
    {
        var path = $"{Folder}/{new string('x', 300)}.png";
        var console = Piped;
        console.Heading("First");
        console.Table(
            ["file", "images", "note"],
            [
                [path, "3", "[b]"],
                ["b", "12", ""],
            ]
        );
        console.Heading("Second");
        console.Table(
            new MetricTable(
                "a title",
                ["class", "IoU"],
                [
                    ["sky", "0.5"],
                    ["[road]", "0.25"],
                ]
            )
        );
        console.Fields(("name", path), ("longer", "b"));
        console.Line(path);
        var width = path.Length;
        Assert.Equal(
            $"""
            First
              {"file".PadRight(width)}  images  note
              {path}       3  [b]
              {"b".PadRight(width)}      12

            Second
            a title
            class    IoU
            sky      0.5
            [road]  0.25
            name    {path}
            longer  b
            {path}

            """,
            _output.Output
        );
        Assert.Equal("", _errors.Output);
    }

    [Fact]
    public void NotesWarningsAndErrors_AreNoResults()
    {
        var console = Piped;
        console.Note("left out: [a].png");
        console.Warning("odd");
        console.Error("config.json:3  model.type\n  No model is named \"[x]\".");
        Assert.Equal("", _output.Output);
        Assert.Equal("left out: [a].png\nwarning: odd\nconfig.json:3  model.type\n  No model is named \"[x]\".\n", _errors.Output);
    }

    [Fact]
    public void Terminal_TablesAreDrawn_LinesAreNotBroken()
    {
        var path = $"{Folder}/{new string('x', 100)}.png";
        var console = OnTerminal;
        console.Heading("[First]");
        console.Table(
            ["name", "n"],
            [
                ["[a]", "1"],
                ["b", "10"],
            ]
        );
        console.Line(path);
        Assert.Contains("── [First] ──", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains("│ [a]  │  1 │", _terminal.Output, StringComparison.Ordinal);
        Assert.Contains($"\n{path}\n", _terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Terminal_AWarningIsYellow_AnErrorsPlaceRed()
    {
        _terminal.Colors(ColorSystem.Standard).EmitAnsiSequences();
        OnTerminal.Warning("odd");
        OnTerminal.Error("c.json:1\n  bad");
        OnTerminal.Verdict("ok", Color.Green, "data", "two\nlines");
        Assert.Equal(
            "\u001b[93mwarning: odd\u001b[0m\n\u001b[91mc.json:1\u001b[0m\n  bad\n"
                + "\u001b[32mok    \u001b[0m\u001b[1mdata        \u001b[0mtwo\n                  lines\n",
            _terminal.Output
        );
    }

    [Fact]
    public void Advance_Piped_IsALineEveryTenSeconds_AndNoneWhereItIsQuick()
    {
        var clock = new Clock();
        var advance = new Advance("reading", Piped, clock);
        advance.Report(1, 100);
        advance.Report(100, 100);
        Assert.Equal("", _errors.Output);

        advance = new Advance("reading", Piped, clock);
        foreach (var (seconds, done) in new[] { (9, 10), (1, 20), (5, 30), (5, 40), (1, 100) })
        {
            clock.Pass(TimeSpan.FromSeconds(seconds));
            advance.Report(done, 100);
        }
        Assert.Equal("reading: 20/100, 0:40 left\nreading: 40/100, 0:30 left\nreading: 100/100, 0:00 left\n", _errors.Output);
        Assert.Equal("", _output.Output);
    }

    [Fact]
    public void Advance_Terminal_IsABar_UntilTheEnd()
    {
        var clock = new Clock();
        var advance = new Advance("reading [train]", OnTerminal, clock);
        advance.Report(1, 4);
        Assert.Equal("", _terminal.Output); // it may be quick
        clock.Pass(TimeSpan.FromSeconds(1));
        advance.Report(2, 4);
        Until(() => _terminal.Output.Contains(" 50% reading [train]", StringComparison.Ordinal));
        advance.Report(4, 4);
        var length = _terminal.Output.Length;
        Thread.Sleep(300); // three times as long as it takes to draw it anew
        Assert.Equal(length, _terminal.Output.Length);
    }

    [Fact]
    public void EndProgress_TakesAwayWhatDidNotComeToItsEnd()
    {
        var console = OnTerminal;
        console.ShowBar("evaluating").Move(1, 4);
        Until(() => _terminal.Output.Contains(" 25% evaluating", StringComparison.Ordinal));
        console.EndProgress();
        console.Error("stopped");
        Assert.EndsWith("stopped\n", _terminal.Output, StringComparison.Ordinal);
        Thread.Sleep(300);
        Assert.EndsWith("stopped\n", _terminal.Output, StringComparison.Ordinal);
    }

    private static void Until(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), "It did not happen within 20 s.");

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(TimeSpan time) => _now += time.Ticks;

        public override long GetTimestamp() => _now;
    }
}
