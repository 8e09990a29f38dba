using System.Globalization;

namespace Tessera.Framework.Metrics;

/// <summary>What is shown of <see cref="MeanIoUMetric"/>.</summary>
/// <param name="truth">Pixels of each class in the truth.</param>
/// <param name="predicted">Pixels of each class in the predictions.</param>
internal sealed class MeanIoUReport(IReadOnlyList<string> names, long[] truth, long[] predicted)
{
    /// <param name="values">By figure, one for each class.</param>
    /// <param name="empty">How many images have only ignored pixels.</param>
    public MetricReport Build(IReadOnlyList<(string Name, double[] Values)> values, int images, int empty) =>
        new()
        {
            Tables = [Table([.. values.Where(column => column.Name != "Recall")])], // it is Acc
            InTables = values.SelectMany(column => names.Select(name => $"{column.Name}/{name}")).ToHashSet(),
            Notes = [.. Notes(images, empty)],
        };

    private MetricTable Table((string Name, double[] Values)[] columns)
    {
        var all = Math.Max(1, truth.Sum());
        var rows = names.Select(
            (name, c) =>
                (IReadOnlyList<string>)
                    [
                        name,
                        .. columns.Select(column => Cells.Value(column.Values[c], truth[c] == 0)),
                        string.Create(CultureInfo.InvariantCulture, $"{100.0 * truth[c] / all:0.00} %"),
                    ]
        );
        return new MetricTable("Per class", ["class", .. columns.Select(column => column.Name), "of the pixels"], [.. rows]);
    }

    private IEnumerable<string> Notes(int images, int empty)
    {
        var absent = names.Where((_, c) => truth[c] + predicted[c] == 0).ToArray();
        var onlyPredicted = names.Where((_, c) => truth[c] == 0 && predicted[c] > 0).ToArray();
        if (images > 0 && absent.Length > 0)
            yield return $"Neither in the truth nor predicted, so undefined (NaN) and left out of the means: {string.Join(", ", absent)}.";
        if (onlyPredicted.Length > 0)
            yield return $"Predicted, but nowhere in the truth: IoU 0, Acc undefined (NaN): {string.Join(", ", onlyPredicted)}.";
        if (empty > 0)
            yield return $"{empty} of {images} images have only ignored pixels.";
    }
}
