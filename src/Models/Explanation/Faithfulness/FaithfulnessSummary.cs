using System.Globalization;
using Tessera.Framework.Metrics;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>From values of images to means with intervals.</summary>
internal static class FaithfulnessSummary
{
    /// <summary>In the order in which an image's values stand.</summary>
    public static IReadOnlyList<FaithfulnessMeasure> Measures { get; } =
    [
        new("avg_drop", "AvgDrop", HigherIsBetter: false),
        new("increase", "Increase", HigherIsBetter: true),
        new("road_morf", "ROAD MoRF", HigherIsBetter: false),
        new("road_lerf", "ROAD LeRF", HigherIsBetter: true),
        new("road", "ROAD", HigherIsBetter: true),
        new("deletion", "deletion", HigherIsBetter: false),
        new("insertion", "insertion", HigherIsBetter: true),
        new("energy", "energy", HigherIsBetter: true),
        new("pointing", "pointing", HigherIsBetter: true),
    ];

    /// <param name="measured">By method, the values of each image.</param>
    /// <param name="areas">Of the images with a truth.</param>
    public static FaithfulnessTable Of(
        Dictionary<string, List<double[]>> measured,
        string control,
        IReadOnlyList<double> areas,
        FaithfulnessOptions options
    )
    {
        string[] methods = [.. measured.Keys.Where(name => name != control), control];
        var images = measured[control].Count;
        var values = methods.Select(method => measured[method]).ToArray();
        var intervals =
            options.Bootstrap > 0 && images > 1
                ? Bootstrap.Intervals(
                    images,
                    options.Bootstrap,
                    options.Seed,
                    2 * methods.Length * Measures.Count,
                    (drawn, found) => Draw(values, drawn, found)
                )
                : null;
        var all = Enumerable.Range(0, images).ToArray();
        var rows = methods.Select(
            (method, at) =>
                new FaithfulnessRow(method, method == control, [.. Measures.Select((_, m) => Value(values, all, intervals, at, m))])
        );
        var area = areas.Count > 0 ? areas.Average() : double.NaN;
        return new FaithfulnessTable(Measures, [.. rows], images, areas.Count, area, [.. Notes(images, areas.Count, area, options)]);
    }

    private static FaithfulnessValue Value(
        List<double[]>[] values,
        int[] all,
        (double Low, double High)[]? intervals,
        int method,
        int measure
    )
    {
        var mean = Mean(values[method], all, measure);
        if (intervals is null || double.IsNaN(mean))
            return new FaithfulnessValue(mean, double.NaN, double.NaN, null);
        var at = 2 * ((method * Measures.Count) + measure);
        var ((low, high), better) = (intervals[at], intervals[at + 1]);
        bool? beats =
            method == values.Length - 1 ? null
            : Measures[measure].HigherIsBetter ? better.Low > 0
            : better.High < 0;
        return new FaithfulnessValue(mean, low, high, beats);
    }

    // Each measure's mean, then its difference to the control's on the same images.
    private static void Draw(List<double[]>[] values, int[] drawn, double[] found)
    {
        for (var measure = 0; measure < Measures.Count; measure++)
        {
            var control = Mean(values[^1], drawn, measure);
            for (var method = 0; method < values.Length; method++)
            {
                var at = 2 * ((method * Measures.Count) + measure);
                found[at] = Mean(values[method], drawn, measure);
                found[at + 1] = found[at] - control;
            }
        }
    }

    private static double Mean(List<double[]> images, int[] drawn, int measure)
    {
        var (sum, count) = (0.0, 0);
        foreach (var image in drawn)
        {
            var value = images[image][measure];
            if (double.IsNaN(value))
                continue;
            sum += value;
            count++;
        }
        return count > 0 ? sum / count : double.NaN;
    }

    private static IEnumerable<string> Notes(int images, int located, double area, FaithfulnessOptions options)
    {
        if (options.Bootstrap > 0 && images > 1)
            yield return "[low, high]: 95 % over images drawn anew. *: better than the control on the same images (95 %).";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"ROAD: 10 to 90 % of the pixels imputed, change of the probability, most (MoRF) or least relevant first; ROAD is half their "
                + $"difference. Deletion: towards the mean colour; insertion: from an image blurred by {options.Blur:0.###} of its side; "
                + $"area below {options.Steps} steps."
        );
        if (located > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"Energy and pointing: {located} of {images} images have a mask or box of their class, which covers {area:0.000} of the "
                    + $"image on average: a map that knows nothing gets so much energy."
            );
    }
}
