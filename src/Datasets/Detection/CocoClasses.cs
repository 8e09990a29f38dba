namespace Tessera.Datasets.Detection;

/// <summary>The classes that a file in COCO's format lists.</summary>
internal static class CocoClasses
{
    /// <summary>Each name once, by rising id of its first entry; a name's further ids mean the same class.</summary>
    /// <returns>The classes, each with the id that most annotations give it, and the class of every id.</returns>
    public static (List<CocoCategory> Known, Dictionary<long, int> ClassOf) Of(string path, CocoParts parts, Findings findings)
    {
        var categories = parts.Categories;
        var (first, nameOf) = (new Dictionary<string, long>(StringComparer.Ordinal), new Dictionary<long, string>());
        foreach (var category in categories)
        {
            if (!nameOf.TryAdd(category.Id, category.Name))
                findings.Add(
                    FindingKind.Duplicate,
                    $"{path}: category id {category.Id} comes twice: {nameOf[category.Id]}, then {category.Name}."
                );
            else if (!first.TryAdd(category.Name, category.Id))
                findings.Add(
                    FindingKind.Duplicate,
                    $"{path}: category \"{category.Name}\" comes twice: {first[category.Name]}, then {category.Id}; where that is "
                        + $"skipped, both ids mean the one class."
                );
        }
        var names = first.OrderBy(entry => entry.Value).Select(entry => entry.Key).ToArray();
        var places = names.Select((name, i) => (name, i)).ToDictionary(entry => entry.name, entry => entry.i, StringComparer.Ordinal);
        var counts = new int[parts.Used.Count];
        for (var i = 0; i < parts.Annotations.Count; i++)
            counts[parts.Annotations[i].Object.Class]++;
        var uses = parts.Used.Zip(counts).ToDictionary(entry => entry.First, entry => entry.Second);
        var frequencies = categories
            .Where(category => category.Frequency is not null)
            .ToLookup(category => category.Name, StringComparer.Ordinal);
        var ids = nameOf.ToLookup(entry => entry.Value, entry => entry.Key, StringComparer.Ordinal);
        return (
            [
                .. names.Select(name => new CocoCategory(ids[name].MaxBy(id => (uses.GetValueOrDefault(id), id == first[name])), name)
                {
                    Frequency = frequencies[name].FirstOrDefault()?.Frequency,
                }),
            ],
            nameOf.ToDictionary(entry => entry.Key, entry => places[entry.Value])
        );
    }

    /// <summary>A hint where the annotations' categories seem to count from one less than the listed ones; null where they don't.</summary>
    public static string? OneTooLow(CocoParts parts)
    {
        var listed = parts.Categories.Select(category => category.Id).ToHashSet();
        if (listed.Count == 0 || parts.Used.Count == 0)
            return null;
        var (lowest, last) = (parts.Used.Min(), listed.Max());
        return lowest == listed.Min() - 1 && parts.Used.All(id => listed.Contains(id + 1))
            ? $"category_id seems to count from {lowest}, the categories from {lowest + 1}: no category {lowest} is listed, and "
                + $"no annotation "
                + $"is of category {last}, the last. If so, every class is one too low: add 1 to each category_id."
            : null;
    }

    /// <summary>With the classes of the categories that the file knows to be absent from the image, or not fully annotated.</summary>
    public static AnnotatedImage WithJudged(AnnotatedImage image, Dictionary<long, int> classOf, string path, Findings findings)
    {
        if (image.Judged is not { } judged)
            return image;
        return image with
        {
            VerifiedLabels = Labels(judged.Absent, "neg_category_ids"),
            NotExhaustiveLabels = Labels(judged.NotExhaustive, "not_exhaustive_category_ids"),
            Judged = null,
        };

        int[] Labels(long[] ids, string key)
        {
            foreach (var id in ids)
                if (!classOf.ContainsKey(id))
                    findings.Add(
                        FindingKind.UnknownClass,
                        $"{path}: {key} of image {image.Id} has category {id}, which the file doesn't list."
                    );
            return [.. ids.Where(classOf.ContainsKey).Select(id => classOf[id]).Distinct()];
        }
    }
}
