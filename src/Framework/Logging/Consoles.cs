using Spectre.Console;
using Spectre.Console.Rendering;
using Tessera.Framework.Messages;

namespace Tessera.Framework.Logging;

/// <summary>
/// The process's console by Spectre.Console: colours, bars and drawn tables on a terminal (colours not where NO_COLOR is set); plain lines
/// into a pipe or a file, also where a build server's variables promise that it understands colours.
/// </summary>
public static class Consoles
{
    private static readonly Lock s_making = new();
    private static IAnsiConsole? s_output,
        s_errors;

    /// <summary>Standard output. All who write to it share it, so that lines appear above a progress bar and not in it.</summary>
    public static IAnsiConsole Output
    {
        get
        {
            lock (s_making)
                return s_output = Kept(s_output, Console.Out, Console.IsOutputRedirected);
        }
    }

    /// <summary>Standard error; where both go to a terminal, the same as <see cref="Output"/>.</summary>
    public static IAnsiConsole Errors
    {
        get
        {
            if (!Console.IsErrorRedirected && IsTerminal(Output))
                return Output;
            lock (s_making)
                return s_errors = Kept(s_errors, Console.Error, Console.IsErrorRedirected);
        }
    }

    /// <summary>Whether standard input is a keyboard, not a pipe or a file.</summary>
    public static bool HaveKeyboard => !Console.IsInputRedirected;

    /// <summary>Whether it can show a bar and be asked: a terminal, not a pipe and not a dumb one.</summary>
    public static bool IsTerminal(IAnsiConsole console) =>
        console.Profile.Capabilities is { Interactive: true } capabilities && capabilities.Ansi;

    /// <summary>Writes text and a line break. Nothing is wrapped or cut, brackets are no markup, and control characters are shown as
    /// □.</summary>
    /// <param name="style">On a terminal.</param>
    public static void WriteWhole(this IAnsiConsole console, string text, Style? style = null) =>
        console.WriteWhole((text, style ?? Style.Plain));

    /// <summary>The same for a line of several parts.</summary>
    public static void WriteWhole(this IAnsiConsole console, params (string Text, Style Style)[] parts) =>
        console.Write(new WholeLine(parts));

    private static IAnsiConsole Kept(IAnsiConsole? console, TextWriter writer, bool redirected) =>
        console?.Profile.Out.Writer == writer ? console : Create(writer, redirected);

    private static IAnsiConsole Create(TextWriter writer, bool redirected) =>
        AnsiConsole.Create(Settings(writer, redirected, Environment.GetEnvironmentVariable("NO_COLOR")));

    /// <param name="noColor">The variable NO_COLOR, which forbids colours where it is not empty (no-color.org).</param>
    internal static AnsiConsoleSettings Settings(TextWriter writer, bool redirected, string? noColor)
    {
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) };
        if (!string.IsNullOrEmpty(noColor))
            settings.ColorSystem = ColorSystemSupport.NoColors;
        if (redirected)
        {
            settings.Ansi = AnsiSupport.No;
            settings.ColorSystem = ColorSystemSupport.NoColors;
            settings.Interactive = InteractionSupport.No;
            settings.Enrichment = new ProfileEnrichment { UseDefaultEnrichers = false };
        }
        return settings;
    }

    /// <summary>A line as it is: a terminal itself continues it on the next row, so that a path can be copied whole.</summary>
    private sealed class WholeLine((string Text, Style Style)[] parts) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => new(maxWidth, maxWidth);

        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
        {
            foreach (var (text, style) in parts)
            {
                var lines = VisibleText.Of(text).ReplaceLineEndings("\n").Split('\n');
                for (var i = 0; i < lines.Length; i++)
                {
                    if (i > 0)
                        yield return Segment.LineBreak;
                    if (lines[i].Length > 0)
                        yield return new Segment(lines[i], style);
                }
            }
            yield return Segment.LineBreak;
        }
    }
}
