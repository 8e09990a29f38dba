namespace Tessera.Framework.Metrics.Detection;

/// <summary>What is shown of <see cref="CocoApMetric"/>.</summary>
/// <param name="figures">By class and figure; null: no table of the classes.</param>
internal sealed class CocoApReport(IReadOnlyList<string> names, CocoClass[] classes, Dictionary<string, double>[]? figures)
{
    /// <summary>The figures that are given for single classes.</summary>
    public static readonly string[] OfClasses = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR100"];

    private static readonly string[] s_sizes = ["", "small (up to 32 x 32)", "medium (up to 96 x 96)", "large"];

    /// <param name="any">Whether anything was evaluated; otherwise there is nothing to note.</param>
    /// <param name="unusual">Notes on the truth.</param>
    public MetricReport Build(bool any, IEnumerable<string> unusual) =>
        new()
        {
            Tables = figures is null ? [] : [Table(figures)],
            InTables = figures is null
                ? new HashSet<string>()
                : names.SelectMany(name => OfClasses.Select(figure => $"bbox/{figure}/{name}")).ToHashSet(),
            Notes = any ? [.. Undefined(), .. unusual] : [],
        };

    private MetricTable Table(Dictionary<string, double>[] figures)
    {
        var rows = classes.Select(
            (ofClass, c) =>
                (IReadOnlyList<string>)
                    [
                        names[c],
                        .. OfClasses.Select(name => Cells.Value(figures[c][name], ofClass.Objects[0] == 0)),
                        Cells.Count(ofClass.Objects[0]),
                    ]
        );
        return new MetricTable("Per class", ["class", .. OfClasses, "objects"], [.. rows]);
    }

    private IEnumerable<string> Undefined()
    {
        var absent = names.Where((_, c) => classes[c].Objects[0] == 0).ToArray();
        if (absent.Length > 0)
            yield return $"Without an object, so undefined (NaN) and left out of the means: {string.Join(", ", absent)}.";
        var lacking = Enumerable
            .Range(1, 3)
            .Where(area => classes.All(ofClass => ofClass.Objects[area] == 0))
            .Select(area => s_sizes[area]);
        if (string.Join(" or ", lacking) is { Length: > 0 } sizes)
            yield return $"No object is {sizes}, so what is said of that size is undefined (NaN).";
    }
}
