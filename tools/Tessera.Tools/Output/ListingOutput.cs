using Spectre.Console;
using Tessera.Tools;

namespace Tessera.Tools.Output;

/// <summary>Headings and tables: drawn on a terminal, plain aligned text when piped.</summary>
internal sealed class ListingOutput(IAnsiConsole console, bool plain)
{
    private bool _started;

    public void Heading(string text)
    {
        if (_started)
            Line("");
        _started = true;
        if (plain)
            Line(text);
        else
            console.Write(new Rule($"[bold]{Markup.Escape(text)}[/]").LeftJustified());
    }

    public void Text(string text)
    {
        if (plain)
            Line(text);
        else
            console.WriteLine(text);
    }

    public void Table(IReadOnlyList<string> header, IEnumerable<string[]> rows)
    {
        if (plain)
        {
            WritePlain(header, rows.ToList());
            return;
        }

        var table = new Table { Border = TableBorder.Rounded };
        foreach (var (name, index) in header.Select((name, index) => (name, index)))
            table.AddColumn(new TableColumn($"[bold]{Markup.Escape(name)}[/]") { NoWrap = index == 0 });
        foreach (var row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        console.Write(table);
    }

    private void WritePlain(IReadOnlyList<string> header, List<string[]> rows)
    {
        rows.Insert(0, [.. header]);
        var widths = header.Select((_, column) => rows.Max(row => row[column].Length)).ToList();
        foreach (var row in rows)
            Line(
                "  "
                    + string.Join("  ", row.Select((cell, column) => column == row.Length - 1 ? cell : cell.PadRight(widths[column])))
                        .TrimEnd()
            );
    }

    private void Line(string text) => Console.Out.WriteLine(text);
}
