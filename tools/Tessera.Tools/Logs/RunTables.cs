using System.Globalization;
using Tessera.Tools.Output;

namespace Tessera.Tools.Logs;

/// <summary>What runs logged, as tables.</summary>
internal static class RunTables
{
    /// <summary>Names of values that tell of time and memory, not of learning.</summary>
    public const string Speed = "images_per_second",
        Waiting = "data_wait",
        Memory = "memory_mb";

    public static void WriteValues(ToolConsole text, IReadOnlyList<RunScalars> runs, IReadOnlyList<(string Kind, string Key)> keys)
    {
        text.Heading("Values");
        text.Table(
            ["run", "what", "last", "least", "at iteration", "greatest", "at iteration"],
            runs.SelectMany(run =>
                keys.Where(key => run.Of(key.Kind, key.Key).Any(point => double.IsFinite(point.Y)))
                    .Select(key =>
                    {
                        var points = run.Of(key.Kind, key.Key).Where(point => double.IsFinite(point.Y)).ToArray();
                        var (least, greatest) = (points.MinBy(point => point.Y), points.MaxBy(point => point.Y));
                        return new[]
                        {
                            run.Name,
                            $"{key.Key} ({key.Kind})",
                            Number(points[^1].Y),
                            Number(least.Y),
                            Number(least.X),
                            Number(greatest.Y),
                            Number(greatest.X),
                        };
                    })
            )
        );
    }

    /// <summary>The first row is left out: it holds the warm-up.</summary>
    public static void WriteTimes(ToolConsole text, IReadOnlyList<RunScalars> runs)
    {
        text.Heading("Time");
        text.Table(
            [
                "run",
                "iterations",
                "images/s, median",
                "slowest",
                "fastest",
                "seconds per 1000 images",
                "waiting for data",
                "memory, greatest",
            ],
            runs.Select(run =>
            {
                var speeds = Of(run, Speed).Skip(1).DefaultIfEmpty(Of(run, Speed).FirstOrDefault(double.NaN)).Order().ToArray();
                var median = speeds[speeds.Length / 2];
                var waits = Of(run, Waiting).ToArray();
                var memory = Of(run, Memory).ToArray();
                return new[]
                {
                    run.Name,
                    run.Rows[^1].Iteration.ToString("#,0", CultureInfo.InvariantCulture),
                    Number(median),
                    Number(speeds[0]),
                    Number(speeds[^1]),
                    Number(1000 / median),
                    waits.Length > 0 ? waits.Average().ToString("0.0 %", CultureInfo.InvariantCulture) : "",
                    memory.Length > 0 ? memory.Max().ToString("#,0 MB", CultureInfo.InvariantCulture) : "",
                };
            })
        );

        static IEnumerable<double> Of(RunScalars run, string key) => run.Of("train", key).Select(point => point.Y).Where(double.IsFinite);
    }

    private static string Number(double value) =>
        double.IsFinite(value) ? value.ToString(Math.Abs(value) >= 1000 ? "#,0" : "G4", CultureInfo.InvariantCulture) : "";
}
