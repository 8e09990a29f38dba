using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <summary>Finds the label file of every photograph.</summary>
internal static class Pairing
{
    /// <summary>Two folders whose files have the same names, but for what the suffixes say; folders below them count as part of the name.</summary>
    /// <param name="imageSuffix">The end of the photographs' names that the labels' don't share: "_leftImg8bit", or with its extension "_leftImg8bit.png".</param>
    /// <param name="labelSuffix">The same of the labels.</param>
    /// <param name="what">The data set, for messages.</param>
    /// <param name="notLabels">Files with this ending are no labels.</param>
    /// <exception cref="UserErrorException">A folder is missing, two photographs have one name, or labels have no photograph.</exception>
    public static IReadOnlyList<LabelledFile> Folders(FileStore files, string imageFolder, string labelFolder, string imageSuffix, string labelSuffix, string what, string? notLabels = null)
    {
        var images = ByName(files, imageFolder, imageSuffix, what, "images");
        var labels = ByName(files, labelFolder, labelSuffix, what, "labels", mayBeMissing: true, notLabels);
        var lone = labels.Keys.Where(name => !images.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray();
        if (lone.Length > 0)
            throw new UserErrorException($"{files.Describe(labels[lone[0]])}: there is no photograph for these labels; {files.Describe(Join(imageFolder, lone[0] + imageSuffix))}"
                + $"{(System.IO.Path.HasExtension(imageSuffix) ? "" : ".*")} was expected.{(lone.Length > 1 ? $" {lone.Length} label files of {what} have none." : "")}");
        return [.. images.OrderBy(image => image.Key, StringComparer.Ordinal).Select(image => new LabelledFile(
            image.Value, labels.GetValueOrDefault(image.Key), Join(labelFolder, image.Key + labelSuffix) + (System.IO.Path.HasExtension(labelSuffix) ? "" : ".png")))];
    }

    /// <summary>A file of names, one a line, and two folders that the files lie in.</summary>
    public static IReadOnlyList<LabelledFile> List(FileStore files, string list, string imageFolder, string imageSuffix, string labelFolder, string labelSuffix)
    {
        if (!files.Contains(list))
        {
            var folder = System.IO.Path.GetDirectoryName(list)!.Replace('\\', '/') + "/";
            var others = files.Names.Where(name => name.StartsWith(folder, StringComparison.Ordinal) && name.EndsWith(".txt", StringComparison.Ordinal)).Select(name => name[folder.Length..^4]).ToArray();
            throw new UserErrorException($"{files.Describe(list)} doesn't exist: it lists the split's images."
                + (others.Length > 0 ? $"{NearestName.Suggest(System.IO.Path.GetFileNameWithoutExtension(list), others)} There are: {string.Join(", ", others.Take(20))}." : " Is path the folder that holds ImageSets?"));
        }
        var known = files.Names.ToHashSet(StringComparer.Ordinal);
        var pairs = new List<LabelledFile>();
        var line = 0;
        foreach (var text in System.Text.Encoding.UTF8.GetString(files.Read(list).Span).Split('\n'))
        {
            line++;
            var name = text.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            if (name is null) continue;
            var (image, labels) = (Join(imageFolder, name + imageSuffix), Join(labelFolder, name + labelSuffix));
            if (!known.Contains(image)) throw new UserErrorException($"{files.Describe(list)}:{line}  {files.Describe(image)} doesn't exist.");
            pairs.Add(new(image, known.Contains(labels) ? labels : null, labels));
        }
        return pairs.Count > 0 ? pairs : throw new UserErrorException($"{files.Describe(list)} lists no images.");
    }

    private static Dictionary<string, string> ByName(FileStore files, string folder, string suffix, string what, string role, bool mayBeMissing = false, string? leftOut = null)
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var withExtension = System.IO.Path.HasExtension(suffix);
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files.Names)
        {
            if (!file.StartsWith(prefix, StringComparison.Ordinal) || !ImageCodec.Extensions.Contains(System.IO.Path.GetExtension(file).ToLowerInvariant())) continue;
            if (leftOut is not null && file.EndsWith(leftOut, StringComparison.Ordinal)) continue;
            var name = withExtension ? file : System.IO.Path.ChangeExtension(file, null);
            if (!name.EndsWith(suffix, StringComparison.Ordinal)) continue;
            name = name[prefix.Length..^suffix.Length];
            if (!found.TryAdd(name, file))
                throw new UserErrorException($"{files.Describe(found[name])} and {files.Describe(file)} have one name but for their extension; only one of the two can be meant.");
        }
        if (found.Count > 0 || mayBeMissing) return found;
        throw Nothing(files, folder, suffix, what, role);
    }

    private static UserErrorException Nothing(FileStore files, string folder, string suffix, string what, string role)
    {
        if (files.Names.Count == 0) return new UserErrorException($"{files.Location} is empty: {what} finds no files in it.");
        var folders = files.Names.Select(name => System.IO.Path.GetDirectoryName(name)!.Replace('\\', '/')).Distinct().ToArray();
        var below = folders.Any(other => other == folder || other.StartsWith(folder + "/", StringComparison.Ordinal));
        return new UserErrorException(below
            ? $"{files.Describe(folder)} holds no {role}{(suffix.Length > 0 ? $" whose names end in \"{suffix}\"" : "")} ({string.Join(", ", ImageCodec.Extensions)})."
            : $"{files.Location} has no folder \"{folder}\" for the {role} of {what}.{NearestName.Suggest(folder, folders)} It has: {string.Join(", ", folders.Take(20))}.");
    }

    private static string Join(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";
}
