using System.Text.Json.Nodes;

namespace Tessera.Tools.Statistics;

/// <summary>The statistics as a JSON document.</summary>
internal static class StatisticsJson
{
    private const int MostNames = 1000;

    public static JsonObject Of(
        IReadOnlyList<PartStatistics> parts,
        DuplicateStatistics? duplicates,
        IReadOnlyDictionary<string, double[]> weights,
        double beta
    )
    {
        var info = parts[0].Info;
        var document = new JsonObject
        {
            ["task"] = info.Task.ToString(),
            ["classes"] = new JsonArray([.. info.Classes.Select(name => (JsonNode)name)]),
            ["parts"] = new JsonObject(parts.Select(part => KeyValuePair.Create(part.Name, (JsonNode?)Part(part, duplicates)))),
        };
        if (duplicates is not null)
        {
            var leakage = new JsonObject();
            for (var i = 0; i < parts.Count; i++)
            for (var j = i + 1; j < parts.Count; j++)
            {
                var pairs = duplicates.Between(parts[i], parts[j]);
                var between = Pairs(pairs, duplicates);
                between["images"] = pairs.Select(pair => pair.Second).Distinct().Count();
                leakage[$"{parts[i].Name}/{parts[j].Name}"] = between;
            }
            document["leakage"] = leakage;
        }
        if (weights.Count > 0)
        {
            document["class_weight"] = new JsonObject(
                weights.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)Numbers(entry.Value)))
            );
            document["effective_number_beta"] = beta;
        }
        return document;
    }

    /// <summary>Four digits: more would only be noise in a config.</summary>
    public static JsonArray Numbers(IEnumerable<double> values) =>
        new([
            .. values.Select(value =>
                (JsonNode)
                    double.Parse(
                        value.ToString("G4", System.Globalization.CultureInfo.InvariantCulture),
                        System.Globalization.CultureInfo.InvariantCulture
                    )
            ),
        ]);

    private static JsonObject Part(PartStatistics part, DuplicateStatistics? duplicates)
    {
        var segmentation = part.Samples.Any(sample => sample.Map is not null);
        var json = new JsonObject
        {
            ["images"] = part.Samples.Count,
            ["left_out"] = List(
                part.LeftOut.Select(entry => new JsonObject
                {
                    ["kind"] = entry.Kind.ToString().ToLowerInvariant(),
                    ["reason"] = entry.Reason,
                    ["count"] = entry.Count,
                    ["first"] = new JsonArray([.. entry.First.Select(name => (JsonNode)name)]),
                })
            ),
            ["unreadable"] = Names(part.Samples.Where(sample => sample.Unreadable is not null)),
            ["sizes"] = List(
                part.Readable.GroupBy(sample => (sample.Height, sample.Width))
                    .OrderByDescending(size => size.Count())
                    .Take(MostNames)
                    .Select(size => new JsonObject
                    {
                        ["height"] = size.Key.Height,
                        ["width"] = size.Key.Width,
                        ["images"] = size.Count(),
                    })
            ),
            ["per_class"] = PerClass(part, segmentation),
            ["ratio_max_min"] = Finite(part.Ratio),
        };
        if (segmentation)
        {
            json["ignored_pixels"] = part.IgnoredPixels;
            json["unclaimed"] = List(
                part.Unclaimed.Take(MostNames)
                    .Select(value => new JsonObject
                    {
                        ["value"] = value.Value,
                        ["pixels"] = value.Pixels,
                        ["images"] = value.Images,
                        ["first"] = value.First,
                    })
            );
            json["without_labels"] = Names(part.WithoutLabels);
            json["unreadable_labels"] = Names(part.UnreadableLabels);
            json["other_size"] = Names(part.OtherSize);
            json["only_ignored"] = Names(part.OnlyIgnored);
        }
        if (part.Boxes is { } boxes)
            json["boxes"] = Boxes(boxes);
        if (duplicates is not null)
            json["duplicates"] = Pairs(duplicates.Within(part), duplicates);
        return json;
    }

    private static JsonObject PerClass(PartStatistics part, bool segmentation)
    {
        var total = part.Counts.Sum();
        return new JsonObject(
            part.Info.Classes.Select(
                (name, c) =>
                {
                    var row = new JsonObject { ["images"] = part.Images[c] };
                    if (segmentation)
                        row["pixels"] = part.Pixels[c];
                    if (part.Boxes is not null)
                        row["boxes"] = part.Boxes.PerClass[c];
                    row["share"] = total > 0 ? (double)part.Counts[c] / total : null;
                    return KeyValuePair.Create(name, (JsonNode?)row);
                }
            )
        );
    }

    private static JsonObject Boxes(BoxStatistics boxes) =>
        new()
        {
            ["count"] = boxes.Count,
            ["ignored"] = boxes.Ignored,
            ["small"] = boxes.BySize[0],
            ["medium"] = boxes.BySize[1],
            ["large"] = boxes.BySize[2],
            ["width"] = Of(boxes.Widths),
            ["height"] = Of(boxes.Heights),
            ["aspect_ratio"] = Of(boxes.Ratios),
            ["per_image"] = Of(boxes.BoxesPerImage),
            ["images_without"] = boxes.PerImage.Count(count => count == 0),
            ["degenerate"] = Names(boxes.Degenerate),
            ["outside"] = Names(boxes.Outside),
            ["duplicate"] = Names(boxes.Duplicate),
            ["unknown_class"] = Names(boxes.OtherClass),
        };

    private static JsonArray List(IEnumerable<JsonObject> entries) => new([.. entries]);

    private static JsonObject Pairs(IReadOnlyList<DuplicatePair> pairs, DuplicateStatistics duplicates)
    {
        var (groups, largest) = Duplicates.Group(pairs);
        return new JsonObject
        {
            ["exact"] = pairs.Count(pair => pair.Exact),
            ["near"] = pairs.Count(pair => !pair.Exact),
            ["groups"] = groups,
            ["largest_group"] = largest,
            ["contradicting_labels"] = duplicates.Contradicting(pairs).Count(),
            ["pairs"] = new JsonArray([
                .. pairs
                    .Take(MostNames)
                    .Select(pair =>
                        (JsonNode)
                            new JsonObject
                            {
                                ["first"] = duplicates.Name(pair.First),
                                ["second"] = duplicates.Name(pair.Second),
                                ["exact"] = pair.Exact,
                                ["similarity"] = Math.Round(pair.Similarity, 4),
                            }
                    ),
            ]),
        };
    }

    private static JsonObject Of(Spread spread) =>
        new()
        {
            ["min"] = Finite(spread.Least),
            ["p10"] = Finite(spread.Tenth),
            ["median"] = Finite(spread.Median),
            ["p90"] = Finite(spread.Ninetieth),
            ["max"] = Finite(spread.Greatest),
        };

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private static JsonObject Names(IEnumerable<SampleFacts> samples) => Names(samples.Select(sample => sample.Name));

    /// <summary>How often, and the first images.</summary>
    private static JsonObject Names(IEnumerable<string> names)
    {
        var all = names.ToArray();
        return new()
        {
            ["count"] = all.Length,
            ["images"] = new JsonArray([.. all.Distinct().Take(MostNames).Select(name => (JsonNode)name)]),
        };
    }
}
