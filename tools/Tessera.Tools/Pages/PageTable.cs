using System.Globalization;

namespace Tessera.Tools.Pages;

/// <summary>A column of a table on a page.</summary>
/// <param name="Numbers">Its cells stand at the right, and a click sorts the greatest first.</param>
/// <param name="Long">Its cells may hold long texts, which are broken anywhere.</param>
internal sealed record PageColumn(string Name, bool Numbers = true, bool Long = false);

/// <summary>A cell of a table on a page.</summary>
/// <param name="Sorted">What it is sorted by; null: by its text.</param>
internal readonly record struct PageCell(Html Content, double? Sorted = null)
{
    public static PageCell Of(string? text) => new(Html.Of($"{text}"));

    /// <summary>A dash where there is no value.</summary>
    public static PageCell Of(double value, string format = "0.0000") =>
        new(Html.Of($"{(double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : "–")}"), value);

    public static PageCell Of(long count) => new(Html.Of($"{count.ToString("#,0", CultureInfo.InvariantCulture)}"), count);

    /// <summary>A count with a bar before it.</summary>
    /// <param name="share">The bar's length, in [0, 1].</param>
    public static PageCell Bar(long count, double share) =>
        new(Html.Of($"<span class=\"bar\"><i style=\"--w:{share:0.###}\"></i>{count:#,0}</span>"), count);
}

/// <summary>Tables of pages.</summary>
internal static class PageTable
{
    private const int Filtered = 15; // rows from which on it helps to look for one

    /// <param name="id">Of the element: one for each table of the page.</param>
    /// <param name="sorts">Headings sort the rows.</param>
    public static Html Of(
        string id,
        string caption,
        IReadOnlyList<PageColumn> columns,
        IReadOnlyCollection<IReadOnlyList<PageCell>> rows,
        bool sorts = true
    )
    {
        sorts &= rows.Count > 1;
        var head = columns.Select(column => Html.Of($"<th scope=\"col\" class=\"{Class(column)}\">{Heading(column.Name, sorts)}</th>"));
        var body = rows.Select(row => Html.Of($"<tr>{Html.Join(row.Select((cell, c) => Cell(cell, columns[c])))}</tr>"));
        var table = Html.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="{caption}">
            <table id="{id}" class="{(
                sorts ? "sortable" : ""
            )}"><caption>{caption}</caption>
            <thead><tr>{head}</tr></thead>
            <tbody>{body}</tbody></table></div>
            """
        );
        return rows.Count >= Filtered && sorts
            ? Html.Of(
                $"<p class=\"tool\"><label class=\"tool\">Find <input type=\"search\" data-table=\"{id}\" "
                    + $"aria-label=\"Find rows\"></label></p>{table}"
            )
            : table;
    }

    private static Html Heading(string name, bool sorts) =>
        sorts ? Html.Of($"<button type=\"button\">{name}</button>") : Html.Of($"{name}");

    private static Html Cell(PageCell cell, PageColumn column) =>
        cell.Sorted is { } value
            ? Html.Of($"<td class=\"{Class(column)}\" data-v=\"{value.ToString("R", CultureInfo.InvariantCulture)}\">{cell.Content}</td>")
            : Html.Of($"<td class=\"{Class(column)}\">{cell.Content}</td>");

    private static string Class(PageColumn column) =>
        column.Numbers ? "n"
        : column.Long ? "long"
        : "";
}
