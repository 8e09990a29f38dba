namespace Tessera.Datasets.Detection;

/// <summary>Reads which labels people verified to be in images of Open Images, or not to be.</summary>
internal static class OpenImagesLabels
{
    /// <param name="places">Of the images that are asked for; others are passed over.</param>
    /// <param name="ancestors">A label that was found stands for those above it, too, and one that was not for those below; null: each
    /// for itself.</param>
    /// <returns>Of each image the classes that were looked for, each once.</returns>
    /// <exception cref="UserErrorException">It is no such file, with the line.</exception>
    public static int[][] Read(
        string path,
        OpenImagesClasses classes,
        Dictionary<string, int> places,
        int[][]? ancestors,
        Findings findings
    )
    {
        using var table = new OpenImagesTable(path, "ImageID", "LabelName", "Confidence");
        var found = new List<int>?[places.Count];
        var lookup = places.GetAlternateLookup<ReadOnlySpan<char>>();
        var descendants = ancestors is null ? null : Below(ancestors);
        var (others, first) = (0L, "");
        while (table.Read())
        {
            if (!lookup.TryGetValue(table.Field(0), out var place))
                continue;
            var label = classes.IndexOf(table.Field(1));
            if (label < 0)
            {
                if (others++ == 0)
                    first = $"{path}:{table.Line}  {classes.Unknown(table.Field(1))}";
                continue;
            }
            var confidence = table.Number(2);
            if (confidence is not (>= 0 and <= 1))
                throw new UserErrorException($"{path}:{table.Line}  Confidence is \"{table.Field(2)}\"; 0 to 1 was expected.");
            var ofImage = found[place] ??= [];
            ofImage.Add(label);
            if (ancestors is not null)
                ofImage.AddRange(
                    confidence == 1 ? ancestors[label]
                    : confidence == 0 ? descendants![label]
                    : []
                );
        }
        if (others > 0)
            findings.Note(
                string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"{others:N0} verified labels are of no class and are passed over. The first: {first}"
                )
            );
        return Array.ConvertAll(found, labels => labels is null ? [] : labels.Distinct().Order().ToArray());
    }

    private static List<int>[] Below(int[][] ancestors)
    {
        var below = Array.ConvertAll(ancestors, _ => new List<int>());
        for (var c = 0; c < ancestors.Length; c++)
            foreach (var above in ancestors[c])
                below[above].Add(c);
        return below;
    }
}
