using Spectre.Console;
using Tessera.Framework.Logging;
using Tessera.Framework.Messages;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Output;

/// <summary>
/// What tools print: results to one console, notes, warnings, errors and progress to another. On a terminal with colours, drawn tables and
/// bars; into a pipe as plain lines. In neither is a line wrapped or cut by the tool, and brackets in names are no markup.
/// </summary>
/// <param name="output">For results.</param>
/// <param name="errors">For all else.</param>
/// <param name="hasKeyboard">Whether somebody can answer; false where standard input is piped.</param>
/// <param name="words">Names the tools as this user calls them, in all that is said (<see cref="CommandName"/>).</param>
internal sealed class ToolConsole(IAnsiConsole output, IAnsiConsole errors, bool hasKeyboard = false, Func<string, string>? words = null)
{
    private static volatile ToolConsole? s_current;

    private bool _hasHeading;
    private ConsoleProgress? _bar;

    /// <summary>The console of the tool that runs.</summary>
    /// <value>By default that of the process.</value>
    public static ToolConsole Current
    {
        get => s_current ??= OfProcess();
        set => s_current = value;
    }

    /// <summary>Standard output and standard error as they are now.</summary>
    public static ToolConsole OfProcess(Func<string, string>? words = null) =>
        new(Consoles.Output, Consoles.Errors, Consoles.HaveKeyboard, words);

    /// <summary>Whether notes and progress are seen as they come: a bar can be shown there.</summary>
    public bool ShowsBars => Consoles.IsTerminal(errors);

    /// <summary>Whether somebody sees a question and can answer it.</summary>
    public bool CanAsk => hasKeyboard && Draws;

    private bool Draws => Consoles.IsTerminal(output);

    /// <summary>A line, or several, of a result.</summary>
    public void Line(string text = "") => output.WriteWhole(Told(text));

    /// <summary>A document for other programs, to the letter: a config, JSON.</summary>
    public void Document(string text)
    {
        output.Profile.Out.Writer.Write(text);
        output.Profile.Out.Writer.Flush();
    }

    /// <summary>Begins a section, with an empty line before all but the first.</summary>
    public void Heading(string text)
    {
        if (_hasHeading)
            Line();
        _hasHeading = true;
        if (Draws)
            output.Write(new Rule($"[bold]{Markup.Escape(VisibleText.Of(Told(text)))}[/]").LeftJustified());
        else
            Line(text);
    }

    /// <summary>Rows under the names of their columns.</summary>
    /// <param name="alignsNumbers">Columns of numbers stand at the right.</param>
    public void Table(IReadOnlyList<string> header, IEnumerable<IReadOnlyList<string>> rows, bool alignsNumbers = true)
    {
        var all = rows.ToArray();
        if (Draws)
            Draw(null, header, all, alignsNumbers);
        else
            Line(PlainTable.Format(header, all, indent: 2, alignsNumbers));
    }

    /// <summary>The same with a title.</summary>
    public void Table(MetricTable table)
    {
        if (Draws)
            Draw(table.Title, table.Header, table.Rows, alignsNumbers: true);
        else
            Line(TextTable.Format(table));
    }

    /// <summary>Names, each with what is said of it.</summary>
    public void Fields(params IReadOnlyList<(string Name, string Text)> fields)
    {
        if (fields.Count > 0)
            Line(PlainTable.Format([], [.. fields.Select(field => (string[])[field.Name, field.Text])], alignsNumbers: false));
    }

    /// <summary>What a check found: its verdict, its name, and a text whose further lines stand under the first.</summary>
    /// <param name="color">Of the verdict.</param>
    public void Verdict(string verdict, Color color, string name, string text)
    {
        const int verdictWidth = 6,
            nameWidth = 12;
        output.WriteWhole(
            (verdict.PadRight(verdictWidth), new Style(color)),
            (name.PadRight(nameWidth), new Style(decoration: Decoration.Bold)),
            (Told(text).ReplaceLineEndings("\n" + new string(' ', verdictWidth + nameWidth)), Style.Plain)
        );
    }

    /// <summary>Something to know that is no result.</summary>
    public void Note(string text) => errors.WriteWhole(Told(text));

    /// <summary>Something that is allowed, and probably not meant.</summary>
    public void Warning(string text) => errors.WriteWhole($"warning: {Told(text)}", new Style(Color.Yellow));

    /// <summary>Why the tool ends; the first line, which names the place, in red.</summary>
    public void Error(string text)
    {
        text = Told(text);
        var end = text.IndexOf('\n', StringComparison.Ordinal);
        if (end < 0)
            end = text.Length;
        errors.WriteWhole((text[..end], new Style(Color.Red)), (text[end..], Style.Plain));
    }

    /// <summary>Shows the messages of Tessera's libraries as notes and warnings, until what is returned is disposed.</summary>
    public IDisposable ShowLog() => ConsoleLog.Open(errors, withTime: false);

    /// <summary>Shows a progress bar in place of the one before.</summary>
    public ConsoleProgress ShowBar(string what)
    {
        EndProgress();
        return _bar = new ConsoleProgress(errors, what, withRemaining: true);
    }

    /// <summary>Asks until the answer is valid.</summary>
    /// <exception cref="InvalidOperationException">Nobody can be asked (<see cref="CanAsk"/>).</exception>
    public string Ask(TextPrompt<string> question) =>
        CanAsk ? output.Prompt(question) : throw new InvalidOperationException("A question without a terminal.");

    /// <summary>Takes away the bar of something that didn't come to its end.</summary>
    public void EndProgress()
    {
        _bar?.Dispose();
        _bar = null;
    }

    private string Told(string text) => words?.Invoke(text) ?? text;

    private void Draw(string? title, IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows, bool alignsNumbers)
    {
        var table = new Table { Border = TableBorder.Rounded };
        if (title is not null)
            table.Title = new TableTitle(Markup.Escape(VisibleText.Of(title)));
        for (var column = 0; column < header.Count; column++)
            table.AddColumn(
                new TableColumn($"[bold]{Markup.Escape(VisibleText.Of(header[column]))}[/]")
                {
                    NoWrap = column == 0,
                    Alignment = alignsNumbers && column > 0 && PlainTable.HasNumbers(rows, column) ? Justify.Right : Justify.Left,
                }
            );
        foreach (var row in rows)
            table.AddRow(
                Enumerable.Range(0, header.Count).Select(column => new Text(column < row.Count ? VisibleText.Of(Told(row[column])) : ""))
            );
        output.Write(table);
    }
}
