namespace Tessera.Framework.Metrics.Detection;

/// <summary>What is shown of <see cref="CocoApMetric"/>.</summary>
/// <param name="perClass">With a table of the classes.</param>
internal sealed class CocoApReport(IReadOnlyList<string> names, CocoMeasure[] measures, bool perClass)
{
    /// <summary>The figures that are given for single classes.</summary>
    public static readonly string[] OfClasses = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR100"];

    private static readonly string[] s_sizes = ["", "small (up to 32 x 32)", "medium (up to 96 x 96)", "large"];

    /// <param name="unusual">Notes on the truth.</param>
    public MetricReport Build(IEnumerable<string> unusual)
    {
        var first = measures[0].Classes();
        return new()
        {
            Tables = perClass ? [.. measures.Select(Table)] : [],
            InTables = perClass
                ? measures
                    .SelectMany(measure => names.SelectMany(name => OfClasses.Select(figure => $"{measure.Prefix}/{figure}/{name}")))
                    .ToHashSet()
                : new HashSet<string>(),
            Notes = measures[0].Images > 0 ? [.. Undefined(first), .. unusual] : [],
        };
    }

    private MetricTable Table(CocoMeasure measure)
    {
        var rows = measure
            .Classes()
            .Select(
                (ofClass, c) =>
                {
                    var figures = CocoMeasure.Figures(ofClass);
                    return (IReadOnlyList<string>)
                        [
                            names[c],
                            .. OfClasses.Select(name => Cells.Value(figures[name], ofClass.Objects[0] == 0)),
                            Cells.Count(ofClass.Objects[0]),
                        ];
                }
            );
        var title = measures.Length == 1 ? "Per class" : $"Per class, {measure.Prefix}";
        return new MetricTable(title, ["class", .. OfClasses, "objects"], [.. rows]);
    }

    private IEnumerable<string> Undefined(CocoClass[] classes)
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
