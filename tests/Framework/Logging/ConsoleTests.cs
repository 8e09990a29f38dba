using Spectre.Console;
using Spectre.Console.Testing;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Tests.Framework.Running;

namespace Tessera.Tests.Framework.Logging;

/// <summary>What is written to a console. Alone, since the console is the process's.</summary>
[Collection(ProcessWide.Name)]
public sealed class ConsoleTests : IDisposable
{
    private readonly TestConsole _terminal = new TestConsole().Interactive().SupportsAnsi(true).Width(60);

    public void Dispose() => _terminal.Dispose();

    [Fact]
    public void WriteWhole_WrapsNothing_AndBracketsAreNoMarkup()
    {
        var long_ = string.Join(' ', Enumerable.Repeat("[red]word[/]", 20));
        _terminal.WriteWhole($"{long_}\n\n  second");
        Assert.Equal($"{long_}\n\n  second\n", _terminal.Output);
    }

    [Fact]
    public void WriteWhole_ColoursAreForTerminals()
    {
        var colored = _terminal.Colors(ColorSystem.Standard).EmitAnsiSequences();
        colored.WriteWhole("odd", new Style(Color.Yellow));
        Assert.Equal("\u001b[93modd\u001b[0m\n", colored.Output);
        using var plain = new TestConsole();
        plain.WriteWhole("odd", new Style(Color.Yellow));
        Assert.Equal("odd\n", plain.Output);
    }

    [Theory]
    [InlineData(null, "\u001b[93modd\u001b[0m\n")]
    [InlineData("", "\u001b[93modd\u001b[0m\n")]
    [InlineData("1", "odd\n")]
    public void NoColor_LeavesTheTerminalItsBars_WithoutColours(string? value, string expected)
    {
        using var said = new StringWriter();
        var settings = Consoles.Settings(said, redirected: false, value);
        settings.Ansi = AnsiSupport.Yes; // as a terminal has it
        settings.Interactive = InteractionSupport.Yes;
        if (settings.ColorSystem == ColorSystemSupport.Detect)
            settings.ColorSystem = ColorSystemSupport.Standard;
        var terminal = AnsiConsole.Create(settings);
        terminal.WriteWhole("odd", new Style(Color.Yellow));
        Assert.Equal(expected, said.ToString());
        Assert.True(Consoles.IsTerminal(terminal));
    }

    [Fact]
    public void Output_OfAPipe_IsPlain_WhateverABuildServerSays()
    {
        Assert.True(Console.IsOutputRedirected); // as tests run
        Environment.SetEnvironmentVariable("GITHUB_ACTIONS", "true");
        var output = Console.Out;
        using var said = new StringWriter();
        Console.SetOut(said);
        try
        {
            Assert.False(Consoles.IsTerminal(Consoles.Output));
            Consoles.Output.WriteWhole("odd", new Style(Color.Yellow));
        }
        finally
        {
            Console.SetOut(output);
            Environment.SetEnvironmentVariable("GITHUB_ACTIONS", null);
        }
        Assert.Equal("odd\n", said.ToString());
        Assert.Equal(Consoles.Output, Consoles.Output);
    }

    [Fact]
    public void Progress_MovesAndDescribes_AndIsGoneAtTheEnd()
    {
        using (var bar = new ConsoleProgress(_terminal, "reading [train]"))
        {
            bar.Move(1, 4);
            RunLogTests.Until(() => _terminal.Output.Contains(" 25% reading [train]", StringComparison.Ordinal));
            bar.Describe("nearly [done]");
            bar.Move(3, 4);
            RunLogTests.Until(() => _terminal.Output.Contains(" 75% nearly [done]", StringComparison.Ordinal));
        }
        var length = _terminal.Output.Length;
        Thread.Sleep(300); // three times as long as it takes to draw it anew
        Assert.Equal(length, _terminal.Output.Length);
    }

    [Fact]
    public void Progress_ASecondBarOnTheConsole_IsNotShown_AndNoError()
    {
        using var said = new StringWriter();
        var terminal = AnsiConsole.Create(
            new AnsiConsoleSettings
            {
                Ansi = AnsiSupport.Yes,
                Interactive = InteractionSupport.Yes,
                Out = new AnsiConsoleOutput(TextWriter.Synchronized(said)),
            }
        );
        using (var first = new ConsoleProgress(terminal, "first"))
        using (var second = new ConsoleProgress(terminal, "second"))
        {
            first.Move(1, 2);
            second.Move(1, 2);
            second.Describe("still second");
            Thread.Sleep(300); // three times as long as it takes to draw it anew
        }
        Assert.Contains("50%", said.ToString(), StringComparison.Ordinal);
        Assert.Contains("first", said.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("second", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void PlainTable_EveryCellIsWhole_NumbersAtTheRight()
    {
        var name = "/data/[x] " + new string('y', 300);
        string[][] rows =
        [
            [name, "7", "a"],
            ["日本", "12.5 %", "b\u001bc"],
            ["short"],
        ];
        Assert.Equal(
            $"  {"file".PadRight(310)}  {"share", 6}  kind\n"
                + $"  {name}  {"7", 6}  a\n"
                + $"  日本{new string(' ', 306)}  12.5 %  b□c\n" // four cells of the console wide
                + "  short",
            PlainTable.Format(["file", "share", "kind"], rows, indent: 2)
        );
        Assert.Equal(
            "a   1\nbb  2",
            PlainTable.Format(
                [],
                [
                    ["a", "1"],
                    ["bb", "2"],
                ]
            )
        );
        Assert.Equal("", PlainTable.Format([], []));
    }
}
