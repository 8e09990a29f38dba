using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;

namespace Tessera.Tools.Statistics;

/// <summary>The statistics for a person: tables, and what is wrong, with the first few names.</summary>
internal sealed class StatisticsText(ToolConsole output)
{
    private const int Named = 5;

    public void Part(PartStatistics part, DuplicateStatistics? duplicates)
    {
        output.Heading(
            $"{part.Name}: {Counted.Of(part.Samples.Count, "image")}, {Counted.Of(part.Info.Classes.Count, "class", "classes")}"
        );
        Sizes(part);
        Classes(part);
        if (part.Boxes is { } boxes)
            Boxes(boxes);
        Problem(part.Samples.Where(sample => sample.Unreadable is not null), "images can't be read", sample => sample.Unreadable);
        Problem(part.WithoutLabels, "images have no labels", sample => sample.Map!.Missing);
        Problem(part.UnreadableLabels, "label images can't be used", sample => sample.Map!.Unreadable);
        Problem(
            part.OtherSize,
            "label images have another size than their photograph",
            sample => $"{sample.Map!.Height} x {sample.Map.Width}, the photograph {sample.Height} x {sample.Width} (height x width)"
        );
        Problem(part.OnlyIgnored, "label images have no pixel that counts", _ => null);
        if (part.Unclaimed.Count > 0)
        {
            output.Line($"{Counted.Of(part.Unclaimed.Count, "value in the labels belongs", "values in the labels belong")} to no class:");
            output.Table(
                ["value", "pixels", "images", "first seen in"],
                part.Unclaimed.Take(4 * Named)
                    .Select(value => new[] { value.Value, Number(value.Pixels), Number(value.Images), value.First })
            );
        }
        if (duplicates is null)
            return;
        var pairs = duplicates.Within(part);
        var (groups, largest) = Duplicates.Group(pairs);
        if (pairs.Count == 0)
        {
            output.Line("No two images are the same, nor nearly.");
            return;
        }
        output.Line(
            $"{Number(pairs.Count(pair => pair.Exact))} pairs of images are the same byte for byte, "
                + $"{Number(pairs.Count(pair => !pair.Exact))} nearly the same, in {Number(groups)} groups of up to {Number(largest)}"
                + (largest > 10 ? " (neighbouring frames of a video do that: split by sequence, not by image)" : "")
                + ". The most alike:"
        );
        Pairs(pairs, duplicates);
    }

    public void Leakage(IReadOnlyList<PartStatistics> parts, DuplicateStatistics duplicates)
    {
        for (var i = 0; i < parts.Count; i++)
        for (var j = i + 1; j < parts.Count; j++)
        {
            output.Heading($"{parts[i].Name} and {parts[j].Name}");
            var pairs = duplicates.Between(parts[i], parts[j]);
            if (pairs.Count == 0)
            {
                output.Line("They share no image, nor one that is nearly the same.");
                continue;
            }
            var exact = pairs.Where(pair => pair.Exact).Select(pair => pair.Second).Distinct().Count();
            output.Line(
                $"{Number(pairs.Select(pair => pair.Second).Distinct().Count())} of {Number(parts[j].Samples.Count)} images of "
                    + $"{parts[j].Name} are in {parts[i].Name}, too, or nearly ({Number(exact)} byte for byte): a measurement on them "
                    + $"flatters. The most alike:"
            );
            Pairs(pairs, duplicates);
        }
        if (duplicates.CutOff)
            output.Line($"Only the first {Number(Duplicates.MostPairs)} pairs were counted.");
    }

    public void Weights(IReadOnlyDictionary<string, double[]> weights, double beta)
    {
        output.Heading("Class weights");
        foreach (var (name, values) in weights)
        {
            output.Line(
                name switch
                {
                    "max_count" => "the largest count over the class's own",
                    "median_frequency" => "the median frequency over the class's own (Eigen and Fergus 2015)",
                    _ => string.Create(CultureInfo.InvariantCulture, $"by effective number (Cui et al. 2019), beta {beta:G10}"),
                } + ":"
            );
            output.Line(
                $"  \"class_weight\": {StatisticsJson.Numbers(values).ToJsonString().Replace(",", ", ", StringComparison.Ordinal)}"
            );
        }
    }

    private void Sizes(PartStatistics part)
    {
        if (part.Readable.Count == 0)
            return;
        var sizes = part.Readable.GroupBy(sample => (sample.Height, sample.Width)).OrderByDescending(size => size.Count()).ToArray();
        var common = string.Join(", ", sizes.Take(3).Select(size => $"{size.Key.Height} x {size.Key.Width} ({Number(size.Count())})"));
        output.Line(
            $"Sizes (height x width): {common}"
                + (
                    sizes.Length > 3
                        ? $", … {Number(sizes.Length)} in all, from {part.Readable.Min(sample => sample.Height)} x "
                            + $"{part.Readable.Min(sample => sample.Width)} to {part.Readable.Max(sample => sample.Height)} x "
                            + $"{part.Readable.Max(sample => sample.Width)}"
                        : ""
                )
                + "."
        );
    }

    private void Classes(PartStatistics part)
    {
        var counts = part.Counts;
        var total = Math.Max(1, counts.Sum());
        var what = part.Info.Task switch
        {
            DataTask.Segmentation => "pixels",
            DataTask.Detection => "boxes",
            _ => null,
        };
        if (part.Info.Task == DataTask.Regression || what is null && part.Samples.All(sample => sample.Labels is null))
            return;
        var rows = part.Info.Classes.Select(
            (name, c) =>
                what is null
                    ? new[] { name, Number(part.Images[c]), Share(part.Images[c], part.Samples.Count) }
                    : [name, Number(counts[c]), Share(counts[c], total), Number(part.Images[c]), Share(part.Images[c], part.Samples.Count)]
        );
        if (part.Info.Task == DataTask.Segmentation)
            rows = rows.Append([
                "(ignored)",
                Number(part.IgnoredPixels),
                Share(part.IgnoredPixels, part.IgnoredPixels + part.Pixels.Sum()),
                "",
                "",
            ]);
        output.Table(what is null ? ["class", "images", "share"] : ["class", what, "share", "images", "share"], rows);
        if (double.IsFinite(part.Ratio))
            output.Line(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The most frequent class has {part.Ratio:#,0.#} times the {what ?? "images"} of the rarest."
                )
            );
        var absent = part.Info.Classes.Where((_, c) => counts[c] == 0).ToArray();
        if (absent.Length > 0)
            output.Line($"{Counted.Of(absent.Length, "class never occurs", "classes never occur")}: {Some(absent)}.");
    }

    private void Boxes(BoxStatistics boxes)
    {
        output.Table(
            ["", "least", "10 %", "median", "90 %", "greatest"],
            [
                Row("boxes in an image", boxes.BoxesPerImage),
                Row("width", boxes.Widths),
                Row("height", boxes.Heights),
                Row("height / width", boxes.Ratios),
            ]
        );
        output.Line(
            $"{Number(boxes.BySize[0])} small (below 32² pixels), {Number(boxes.BySize[1])} medium, {Number(boxes.BySize[2])} large "
                + $"(from 96²); {Number(boxes.Ignored)} ignored (crowd, difficult); "
                + $"{Number(boxes.PerImage.Count(count => count == 0))} images without boxes."
        );
        Names(boxes.Degenerate, "boxes have no extent");
        Names(boxes.Outside, "boxes leave their image");
        Names(boxes.Duplicate, "boxes repeat one of the same class");
        Names(boxes.OtherClass, "boxes have a class that the data lacks");

        static string[] Row(string name, Spread spread) =>
            [name, Value(spread.Least), Value(spread.Tenth), Value(spread.Median), Value(spread.Ninetieth), Value(spread.Greatest)];
    }

    private void Names(List<string> names, string what)
    {
        if (names.Count > 0)
            output.Line($"{Number(names.Count)} {what}: {Some(names.Distinct().ToArray())}.");
    }

    private void Problem(IEnumerable<SampleFacts> samples, string what, Func<SampleFacts, string?> reason)
    {
        var all = samples.ToArray();
        if (all.Length == 0)
            return;
        output.Line($"{Number(all.Length)} {what}:");
        foreach (var sample in all.Take(Named))
            output.Line(
                "  "
                    + (
                        reason(sample) is not { } text ? sample.Name
                        : text.Contains(sample.Name, StringComparison.Ordinal) ? text
                        : $"{sample.Name}: {text}"
                    )
            );
        if (all.Length > Named)
            output.Line("  …");
    }

    private void Pairs(IReadOnlyList<DuplicatePair> pairs, DuplicateStatistics duplicates)
    {
        output.Table(
            ["similarity", "image", "image"],
            pairs
                .Take(Named)
                .Select(pair =>
                    new[]
                    {
                        pair.Exact ? "same" : pair.Similarity.ToString("0.000", CultureInfo.InvariantCulture),
                        duplicates.Name(pair.First),
                        duplicates.Name(pair.Second),
                    }
                )
        );
        var contradicting = duplicates.Contradicting(pairs).ToArray();
        if (contradicting.Length > 0)
            output.Line(
                $"{Number(contradicting.Length)} of these pairs have different labels; the first: "
                    + $"{duplicates.Name(contradicting[0].First)} and {duplicates.Name(contradicting[0].Second)}."
            );
    }

    private static string Some(string[] names) => string.Join(", ", names.Take(Named)) + (names.Length > Named ? ", …" : "");

    private static string Number(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Value(double value) => double.IsFinite(value) ? value.ToString("#,0.##", CultureInfo.InvariantCulture) : "";

    private static string Share(long part, long of) => of == 0 ? "" : ((double)part / of).ToString("0.00 %", CultureInfo.InvariantCulture);
}
