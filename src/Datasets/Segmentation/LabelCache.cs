using System.Globalization;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <summary>What earlier runs read of label files: a fact for each pair of files, good as long as their sizes and times are the
/// same.</summary>
internal sealed class LabelCache
{
    private readonly FactCache _facts;

    private LabelCache(FactCache facts) => _facts = facts;

    public static LabelCache Open(string location, bool byColor) =>
        new(FactCache.Open("labels", "tessera labels 2", location, byColor ? "colours" : "values"));

    /// <returns>null where nothing is known, or one of the files has changed.</returns>
    public LabelStatistics? Find(string image, string labels, FileStamp imageStamp, FileStamp labelStamp)
    {
        if (_facts.Find(Key(image, labels)) is not { } line)
            return null;
        var fields = line.Split('\t');
        if (fields.Length != 4 || fields[0] != imageStamp.ToString() || fields[1] != labelStamp.ToString())
            return null;
        var sizes = Numbers(fields[2], ' ');
        if (sizes is not [> 0, > 0, > 0, > 0, 0 or 1])
            return null;
        var histogram = new List<KeyValuePair<int, long>>();
        foreach (var entry in fields[3].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Numbers(entry, ':') is not [>= -1 and < 1 << 24 and var value, > 0 and var pixels])
                return null;
            histogram.Add(new((int)value, pixels));
        }
        return new LabelStatistics((int)sizes[0], (int)sizes[1], (int)sizes[2], (int)sizes[3], histogram) { Turned = sizes[4] == 1 };
    }

    public void Add(string image, string labels, FileStamp imageStamp, FileStamp labelStamp, LabelStatistics found) =>
        _facts.Set(
            Key(image, labels),
            string.Join(
                '\t',
                imageStamp,
                labelStamp,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{found.Height} {found.Width} {found.ImageHeight} {found.ImageWidth} {(found.Turned ? 1 : 0)}"
                ),
                string.Join(' ', found.Histogram.Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key}:{entry.Value}")))
            )
        );

    public void Save() => _facts.Save();

    private static string Key(string image, string labels) => $"{image}\0{labels}";

    private static long[]? Numbers(string text, char separator)
    {
        var parts = text.Split(separator);
        var numbers = new long[parts.Length];
        for (var i = 0; i < parts.Length; i++)
            if (!long.TryParse(parts[i], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out numbers[i]))
                return null;
        return numbers;
    }
}
