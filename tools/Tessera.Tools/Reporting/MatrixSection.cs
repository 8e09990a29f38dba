using System.Globalization;
using System.Text;
using Tessera.Framework.Data;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>What is taken for what: a matrix of numbers, or of colours where there are many classes, and the commonest
/// confusions.</summary>
internal static class MatrixSection
{
    private const int MostNumbers = 40,
        MostColors = 400,
        MostRectangles = 8000, // of some 80 bytes each
        MostConfusions = 20;

    /// <param name="id">Of the table.</param>
    public static Html Of(MeasuredRun run, string id)
    {
        if (run.Confusion is not { } matrix)
            return Html.Empty;
        var (counts, names) = (matrix.Counts, matrix.Names);
        var totals = Enumerable.Range(0, names.Count).Select(t => Enumerable.Range(0, names.Count).Sum(p => counts[t, p])).ToArray();
        var what = run.Data.Task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "objects",
            _ => "images",
        };
        var shown =
            names.Count <= MostNumbers ? Numbers(counts, names, totals, what)
            : names.Count <= MostColors ? Colors(counts, names.Count, totals)
            : Html.Empty;
        return Html.Join([shown, Confusions(counts, names, totals, what, id)]);
    }

    private static Html Numbers(long[,] counts, IReadOnlyList<string> names, long[] totals, string what)
    {
        var rows = names.Select(
            (name, t) =>
            {
                var cells = names.Select((other, p) => Cell(counts[t, p], totals[t], t == p, $"{name} taken for {other}"));
                return Html.Of($"<tr><th scope=\"row\" title=\"{name}\">{name}</th>{cells}</tr>");
            }
        );
        return Html.Of(
            $"""
            <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table class="matrix">
            <caption>Rows: the true class. Columns: what it is taken for. In each cell the share of its row in
            percent; the count, in {what}, is shown on pointing at it.</caption>
            <thead><tr><th></th>{names.Select(name => Html.Of($"<th scope=\"col\" title=\"{name}\">{name}</th>"))}</tr></thead>
            <tbody>{rows}</tbody></table></div>
            """
        );
    }

    private static Html Cell(long count, long total, bool right, string what)
    {
        var share = total == 0 ? 0 : (double)count / total;
        var title = string.Create(CultureInfo.InvariantCulture, $"{what}: {count:#,0} of {total:#,0}");
        var text = count == 0 ? "" : (100 * share).ToString(share < 0.0995 ? "0.#" : "0", CultureInfo.InvariantCulture);
        return Html.Of($"<td class=\"{(right ? "right" : "")}\" style=\"--s:{share:0.###}\" title=\"{title}\">{text}</td>");
    }

    private static Html Colors(long[,] counts, int size, long[] totals)
    {
        var cells = new StringBuilder();
        var greatest =
            from t in Enumerable.Range(0, size)
            from p in Enumerable.Range(0, size)
            where counts[t, p] > 0
            let share = (double)counts[t, p] / totals[t]
            orderby share descending
            select (t, p, share);
        foreach (var (t, p, share) in greatest.Take(MostRectangles))
            cells.Append(
                CultureInfo.InvariantCulture,
                $"<rect class=\"{(t == p ? 'y' : 'n')}\" x=\"{p}\" y=\"{t}\" width=\"1\" height=\"1\" "
                    + $"opacity=\"{Math.Max(0.08, share):0.##}\"/>"
            );
        return Html.Of(
            $"""
            <p class="soft">Rows from above: the true classes in the data's order. Columns: what they are taken for. Blue is
            right, red is wrong; the stronger, the more of the row.</p>
            <svg class="map" role="img" aria-label="Confusion matrix of {size} classes" viewBox="0 0 {size} {size}">{new Html(
                cells.ToString()
            )}</svg>
            """
        );
    }

    private static Html Confusions(long[,] counts, IReadOnlyList<string> names, long[] totals, string what, string id)
    {
        var confusions = (
            from t in Enumerable.Range(0, names.Count)
            from p in Enumerable.Range(0, names.Count)
            where t != p && counts[t, p] > 0
            orderby counts[t, p] descending, t, p
            select (IReadOnlyList<PageCell>)
                [
                    PageCell.Of(names[t]),
                    PageCell.Of(names[p]),
                    PageCell.Of(counts[t, p]),
                    PageCell.Of(100.0 * counts[t, p] / totals[t], "0.0"),
                ]
        )
            .Take(MostConfusions)
            .ToArray();
        if (confusions.Length == 0)
            return Html.Of($"<p>Nothing is taken for anything else.</p>");
        PageColumn[] columns = [new("true class", false, true), new("taken for", false, true), new(what), new("% of the class")];
        var table = PageTable.Of(id, "Commonest confusions", columns, confusions);
        return Html.Of($"<details><summary>The commonest confusions</summary>{table}</details>");
    }
}
