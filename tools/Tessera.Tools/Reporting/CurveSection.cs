using System.Text.Json.Nodes;
using Tessera.Tools.Logs;
using Tessera.Tools.Pages;

namespace Tessera.Tools.Reporting;

/// <summary>What runs logged, as curves that the page's script draws.</summary>
internal static class CurveSection
{
    private const int MostCharts = 12,
        MostPoints = 1200;

    /// <summary>The slider that smooths all of them.</summary>
    public static Html Smoothing { get; } =
        Html.Of(
            $"""
            <p class="tool"><label class="tool">Smoothing of training values
            <input type="range" id="smoothing" min="0" max="0.95" step="0.05" value="0.6"></label></p>
            """
        );

    /// <param name="runs">In one chart for each value.</param>
    public static Html Of(IReadOnlyList<RunScalars> runs)
    {
        var charts = Keys(runs).Select(key => Chart(key.Kind, key.Key, runs)).ToArray();
        return charts.Length == 0
            ? Html.Of($"<p>Nothing was logged that could be drawn.</p>")
            : Html.Of(
                $"""
                {Smoothing}
                <div class="charts">{charts}</div>
                <p class="soft tool">Drag over a curve to zoom, double-click to see all of it. With the keyboard: arrows read values,
                + and − zoom, Shift and arrows move, 0 shows all.</p>
                <noscript><p class="note">The curves are drawn by a script of this page, which the browser does not run.</p></noscript>
                """
            );
    }

    /// <summary>The values that are drawn: losses, rates, what evaluations gave that is not of one class, and the speed.</summary>
    public static IReadOnlyList<(string Kind, string Key)> Keys(IReadOnlyList<RunScalars> runs)
    {
        var all = runs.SelectMany(run => run.Keys).Distinct().ToArray();
        var names = all.Select(key => key.Key).ToHashSet(StringComparer.Ordinal);
        var drawn = all.Where(key => key.Kind == "train" || !IsTime(key.Key) && !DetailKeys.IsDetail(key.Key, names))
            .OrderBy(Rank)
            .ToArray();
        var lines = drawn.Where(key => runs.Any(run => Points(run, key) >= 2)).Take(MostCharts).ToArray();
        // What was logged once is no curve, unless nothing was logged more often.
        return lines.Length > 0 ? lines : [.. drawn.Where(key => runs.Any(run => Points(run, key) > 0)).Take(MostCharts)];
    }

    private static bool IsTime(string key) => key is RunTables.Speed or RunTables.Waiting or RunTables.Memory;

    private static int Points(RunScalars run, (string Kind, string Key) key) =>
        run.Of(key.Kind, key.Key).Count(point => double.IsFinite(point.Y));

    /// <summary>A curve's points as the page's script takes them.</summary>
    public static JsonObject Json(string kind, string key, IReadOnlyList<RunScalars> runs) =>
        new()
        {
            ["title"] = Title(kind, key),
            ["x"] = "iteration",
            ["smooth"] = Rank((kind, key)) is 0 or 2,
            ["marks"] = kind != "train",
            ["zero"] = Rank((kind, key)) == 5, // speed, waiting, memory: their size counts, not their scatter
            ["series"] = new JsonArray([
                .. runs.Select(run =>
                {
                    var points = Thinned([.. run.Of(kind, key)]);
                    return (JsonNode)
                        new JsonObject
                        {
                            ["name"] = run.Name,
                            ["x"] = new JsonArray([.. points.Select(point => (JsonNode)(long)point.X)]),
                            ["y"] = new JsonArray([.. points.Select(point => Short(point.Y))]),
                        };
                }),
            ]),
        };

    // loss before its terms, what evaluations say, rates, then time and memory
    private static int Rank((string Kind, string Key) key) =>
        key switch
        {
            ("train", "loss") => 0,
            ("train", RunTables.Speed or RunTables.Waiting or RunTables.Memory) => 5,
            ("train", "lr") => 3,
            ("train", var name) when name.StartsWith("lr/", StringComparison.Ordinal) => 4,
            ("train", _) => 2,
            _ => 1,
        };

    private static string Title(string kind, string key) =>
        key switch
        {
            RunTables.Speed => "images per second",
            RunTables.Waiting => "share of time waiting for data",
            RunTables.Memory => "memory, MB",
            "lr" => "learning rate",
            "loss" => $"loss ({kind})",
            _ => $"{key} ({kind})",
        };

    private static Html Chart(string kind, string key, IReadOnlyList<RunScalars> runs)
    {
        // JsonNode writes < and > of strangers' names as escapes, so that nothing ends the element.
        var data = new Html(Json(kind, key, runs).ToJsonString());
        return Html.Of(
            $"""
            <figure class="chart"><figcaption><span>{Title(kind, key)}</span></figcaption>
            <script type="application/json">{data}</script></figure>
            """
        );
    }

    private static JsonNode? Short(double value) =>
        double.IsFinite(value)
            ? double.Parse(
                value.ToString("G6", System.Globalization.CultureInfo.InvariantCulture),
                System.Globalization.CultureInfo.InvariantCulture
            )
            : null;

    /// <summary>Of many points the least and the greatest of each stretch, so that peaks stay.</summary>
    internal static (double X, double Y)[] Thinned((double X, double Y)[] points)
    {
        if (points.Length <= MostPoints)
            return points;
        var kept = new SortedSet<int> { 0, points.Length - 1 };
        var stretch = (double)points.Length / (MostPoints / 2);
        for (var from = 0.0; from < points.Length; from += stretch)
        {
            var (first, end) = ((int)from, Math.Min(points.Length, (int)(from + stretch)));
            var (least, greatest) = (first, first);
            for (var i = first; i < end; i++)
            {
                if (points[i].Y < points[least].Y || double.IsNaN(points[least].Y))
                    least = i;
                if (points[i].Y > points[greatest].Y || double.IsNaN(points[greatest].Y))
                    greatest = i;
            }
            kept.Add(least);
            kept.Add(greatest);
        }
        return [.. kept.Select(i => points[i])];
    }
}
