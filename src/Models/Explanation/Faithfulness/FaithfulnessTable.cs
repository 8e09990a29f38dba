using System.Globalization;
using Tessera.Framework.Metrics;

namespace Tessera.Models.Explanation.Faithfulness;

/// <param name="Key">In files: "avg_drop".</param>
/// <param name="Title">For people.</param>
/// <param name="HigherIsBetter">Otherwise lower is.</param>
public sealed record FaithfulnessMeasure(string Key, string Title, bool HigherIsBetter);

/// <summary>A measure's mean over images.</summary>
/// <param name="Mean">NaN where no image has a value.</param>
/// <param name="Low">2.5 percentile over images drawn anew; NaN without interval.</param>
/// <param name="High">97.5 percentile.</param>
/// <param name="BeatsControl">The difference to the control on the same images is to the better, and its 95 % interval doesn't hold 0;
/// null for the control itself and without intervals.</param>
public sealed record FaithfulnessValue(double Mean, double Low, double High, bool? BeatsControl);

/// <param name="Method">As it was given.</param>
/// <param name="IsControl">The random map.</param>
/// <param name="Values">One for each measure.</param>
public sealed record FaithfulnessRow(string Method, bool IsControl, IReadOnlyList<FaithfulnessValue> Values);

/// <summary>What is measured of how truly maps show what a model decides by: a row for each method, the random control last.</summary>
/// <param name="Images">How many were measured.</param>
/// <param name="Located">How many of them have a truth for the pointing measures.</param>
/// <param name="Area">The mean share of the image that the truth covers, which is what a map without knowledge gets as energy; NaN
/// without truth.</param>
/// <param name="Notes">What must be known to read the values.</param>
public sealed record FaithfulnessTable(
    IReadOnlyList<FaithfulnessMeasure> Measures,
    IReadOnlyList<FaithfulnessRow> Rows,
    int Images,
    int Located,
    double Area,
    IReadOnlyList<string> Notes
)
{
    /// <summary>Every mean by "method/measure", with "/low" and "/high" where there is an interval: for files. Undefined ones are left
    /// out.</summary>
    public IReadOnlyDictionary<string, double> Values()
    {
        var values = new Dictionary<string, double>();
        foreach (var row in Rows)
            for (var m = 0; m < Measures.Count; m++)
            {
                var (name, value) = ($"{row.Method}/{Measures[m].Key}", row.Values[m]);
                Add(name, value.Mean);
                Add(name + "/low", value.Low);
                Add(name + "/high", value.High);
            }
        return values;

        void Add(string name, double value)
        {
            if (!double.IsNaN(value))
                values[name] = value;
        }
    }

    /// <summary>As a table for people; measures that no image has a value of are left out.</summary>
    public MetricTable ToTable()
    {
        var shown = Enumerable.Range(0, Measures.Count).Where(m => Rows.Any(row => !double.IsNaN(row.Values[m].Mean))).ToArray();
        return new MetricTable(
            string.Create(CultureInfo.InvariantCulture, $"Faithfulness, {Images} images"),
            ["method", .. shown.Select(m => $"{Measures[m].Title} {(Measures[m].HigherIsBetter ? '↑' : '↓')}")],
            [
                .. Rows.Select(row =>
                    (IReadOnlyList<string>)
                        [row.IsControl ? row.Method + " (control)" : row.Method, .. shown.Select(m => Cell(row.Values[m]))]
                ),
            ]
        );
    }

    /// <summary>The table and its notes as aligned text.</summary>
    public string Text() => string.Join('\n', Notes.Prepend(TextTable.Format(ToTable())));

    private static string Cell(FaithfulnessValue value) =>
        double.IsNaN(value.Mean) ? "-"
        : double.IsNaN(value.Low) ? value.Mean.ToString("0.000", CultureInfo.InvariantCulture)
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{value.Mean:0.000} [{value.Low:0.000}, {value.High:0.000}]{(value.BeatsControl == true ? "*" : "")}"
        );
}
