using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>Photographs with their label files, and what lies beside them.</summary>
/// <param name="ImageFolder">Where the photographs lie below the data set's path.</param>
internal sealed record Pairs(IReadOnlyList<LabelledFile> Files, IReadOnlyList<LeftOut> LeftOut, string ImageFolder);

/// <summary>Finds the label file of every photograph.</summary>
internal static class FilePairing
{
    /// <summary>Two folders whose files have the same names, but for what the suffixes say; folders below them count as part of the
    /// name.</summary>
    /// <param name="imageSuffix">The end of the photographs' names that the labels' don't share: "_leftImg8bit", or with its extension
    /// "_leftImg8bit.png".</param>
    /// <param name="labelSuffix">The same of the labels.</param>
    /// <param name="what">The data set, for messages.</param>
    /// <param name="notLabels">Files with this ending are no labels.</param>
    /// <exception cref="UserErrorException">A folder is missing, two photographs have one name, or labels have no photograph.</exception>
    public static Pairs Folders(
        FileStore files,
        string imageFolder,
        string labelFolder,
        string imageSuffix,
        string labelSuffix,
        string what,
        string? notLabels = null
    )
    {
        var leftOut = new LeftOutCounter();
        files.CountUpwards(leftOut);
        // Where both kinds lie in one folder, what isn't one may be the other.
        var apart =
            !Join(imageFolder, "").StartsWith(Join(labelFolder, ""), StringComparison.Ordinal)
            && !Join(labelFolder, "").StartsWith(Join(imageFolder, ""), StringComparison.Ordinal);
        var images = ByName(files, imageFolder, imageSuffix, what, labels: false, notLabels: null, leftOut, apart);
        var labels = ByName(files, labelFolder, labelSuffix, what, labels: true, notLabels, apart ? leftOut : new LeftOutCounter(), apart);
        var lone = labels.Keys.Where(name => !images.ContainsKey(name)).Order(StringComparer.Ordinal).ToArray();
        if (lone.Length > 0)
            throw new UserErrorException(
                $"{files.Describe(labels[lone[0]])}: there is no photograph for these labels; "
                    + $"{files.Describe(Join(imageFolder, lone[0] + imageSuffix))}"
                    + $"{(System.IO.Path.HasExtension(imageSuffix) ? "" : ".*")} was "
                    + $"expected.{new UnreadableImages(files).Instead(Stem(imageFolder, lone[0], imageSuffix))}"
                    + $"{(lone.Length > 1 ? $" {lone.Length} label files of {what} have none." : "")}"
            );
        return new(
            [
                .. images
                    .OrderBy(image => image.Key, StringComparer.Ordinal)
                    .Select(image => new LabelledFile(
                        image.Value,
                        labels.GetValueOrDefault(image.Key),
                        Join(labelFolder, image.Key + labelSuffix) + (System.IO.Path.HasExtension(labelSuffix) ? "" : ".png")
                    )),
            ],
            leftOut.Counted,
            imageFolder
        );
    }

    /// <summary>The photographs of a list of the data set's own; where there is a list of the user's, all photographs that it can
    /// choose from.</summary>
    /// <param name="list">The data set's list, such as "ImageSets/Segmentation/train.txt".</param>
    /// <param name="chosen">Whether the user has a list.</param>
    public static Pairs Listed(FileStore files, string list, bool chosen, string imageFolder, string labelFolder) =>
        chosen ? All(files, imageFolder, labelFolder) : List(files, list, imageFolder, labelFolder);

    /// <summary>Every photograph of a folder, with the label file of its name in another, where there is one; several endings of one
    /// name are told apart as in <see cref="List"/>.</summary>
    private static Pairs All(FileStore files, string imageFolder, string labelFolder)
    {
        var labels = new StemIndex(files, labelFolder, ImageCodec.HasExtension);
        var prefix = imageFolder.Length == 0 ? "" : imageFolder + "/";
        return new(
            [
                .. files
                    .Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && ImageCodec.HasExtension(name))
                    .Select(name =>
                    {
                        var expected = Join(labelFolder, System.IO.Path.ChangeExtension(name[prefix.Length..], ".png"));
                        var found = labels.Find(System.IO.Path.ChangeExtension(name[prefix.Length..], null));
                        return new LabelledFile(
                            name,
                            found.FirstOrDefault(file => file == expected) ?? (found.Count > 0 ? found[0] : null),
                            expected
                        );
                    }),
            ],
            [],
            imageFolder
        );
    }

    /// <summary>A file of names, one a line, and two folders that the files lie in; endings are found, in any case.</summary>
    /// <exception cref="UserErrorException">The list is missing or empty, or a photograph is, with its line.</exception>
    public static Pairs List(FileStore files, string list, string imageFolder, string labelFolder)
    {
        var (images, labels) = (
            new StemIndex(files, imageFolder, ImageCodec.HasExtension),
            new StemIndex(files, labelFolder, ImageCodec.HasExtension)
        );
        var (pairs, leftOut, seen) = (new List<LabelledFile>(), new LeftOutCounter(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var (line, name, mark) in NameList.Read(files, list, name => images.Find(name).Count > 0))
        {
            var place = $"{files.Describe(list)}:{line}";
            if (mark == "-1")
                leftOut.Add(LeftOutKind.Image, "images that the list marks with -1", $"{place}  {name}");
            else if (One(images, imageFolder, ".jpg") is not { } image)
                throw new UserErrorException(
                    $"{place}  {files.Describe(Join(imageFolder, name + ".jpg"))} doesn't exist."
                        + new UnreadableImages(files).Instead(Join(imageFolder, name))
                );
            else if (!seen.Add(image)) // also by the same name in other letters
                leftOut.Add(LeftOutKind.File, "names that the list holds twice", $"{place}  {name}");
            else
                pairs.Add(new(image, One(labels, labelFolder, ".png"), Join(labelFolder, name + ".png")));

            string? One(StemIndex stems, string folder, string usual)
            {
                var found = stems.Find(name);
                if (found.Count <= 1)
                    return found.Count == 0 ? null : found[0];
                return found.FirstOrDefault(file => file == Join(folder, name + usual))
                    ?? throw new UserErrorException(
                        $"{place}  {files.Describe(found[0])} and {files.Describe(found[1])}: only one of the two can be meant."
                    );
            }
        }
        return pairs.Count > 0
            ? new(pairs, leftOut.Counted, imageFolder)
            : throw new UserErrorException($"{files.Describe(list)} marks all its images with -1.");
    }

    private static Dictionary<string, string> ByName(
        FileStore files,
        string folder,
        string suffix,
        string what,
        bool labels,
        string? notLabels,
        LeftOutCounter leftOut,
        bool apart
    )
    {
        var prefix = folder.Length == 0 ? "" : folder + "/";
        var (role, ending) = (labels ? "labels" : "images", System.IO.Path.GetExtension(suffix));
        var stem = suffix[..^ending.Length];
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in files.Names)
        {
            if (
                !file.StartsWith(prefix, StringComparison.Ordinal)
                || (notLabels is not null && file.EndsWith(notLabels, StringComparison.OrdinalIgnoreCase))
            )
                continue;
            var extension = System.IO.Path.GetExtension(file);
            var name = file[..^extension.Length];
            if (!ImageCodec.HasExtension(file))
            {
                Count(leftOut, files, file, role);
            }
            else if (
                !name.EndsWith(stem, StringComparison.Ordinal)
                || (ending.Length > 0 && !extension.Equals(ending, StringComparison.OrdinalIgnoreCase))
            )
            {
                // Labels of other kinds usually lie beside those that are meant.
                if (!labels && apart)
                    leftOut.Add(LeftOutKind.File, $"images whose names don't end in \"{suffix}\"", files.Describe(file));
            }
            else
            {
                name = ClassNames.Normalize(name[prefix.Length..^stem.Length]);
                if (!found.TryAdd(name, file))
                    throw new UserErrorException(
                        $"{files.Describe(found[name])} and {files.Describe(file)} have one name but for their extension; only one of "
                            + $"the two can be meant."
                    );
            }
        }
        if (found.Count > 0 || labels)
            return found;
        var reasons = leftOut.Counted.Select(entry => $"\n  {entry}");
        throw new UserErrorException(Nothing(files, folder, suffix, what, role).Message + string.Concat(reasons));
    }

    private static void Count(LeftOutCounter leftOut, FileStore files, string file, string role)
    {
        var ending = System.IO.Path.GetExtension(file).ToLowerInvariant();
        if (ImageCodec.UnreadableFormat(file) is { } format)
            leftOut.Add(LeftOutKind.Image, $"{format} files among the {role}, which can't be read ({ending})", files.Describe(file));
        else
            leftOut.Add(
                LeftOutKind.File,
                $"files among the {role} that are no images ({(ending.Length > 0 ? ending : "no ending")})",
                files.Describe(file)
            );
    }

    private static UserErrorException Nothing(FileStore files, string folder, string suffix, string what, string role)
    {
        if (files.Names.Count == 0)
            return new UserErrorException($"{files.Location} is empty: {what} finds no files in it.");
        var folders = files.Names.Select(name => System.IO.Path.GetDirectoryName(name)!.Replace('\\', '/')).Distinct().ToArray();
        var below = folders.Any(other => other == folder || other.StartsWith(folder + "/", StringComparison.Ordinal));
        return new UserErrorException(
            below
                ? $"{files.Describe(folder)} holds no {role}{(suffix.Length > 0 ? $" whose names end in \"{suffix}\"" : "")} "
                    + $"({string.Join(", ", ImageCodec.Extensions)})."
                : $"{files.Location} has no folder \"{folder}\" for the {role} of {what}.{NearestName.Suggest(folder, folders)} It "
                    + $"has: {string.Join(", ", folders.Take(20))}."
        );
    }

    private static string Stem(string folder, string name, string suffix) =>
        Join(folder, name + suffix[..^System.IO.Path.GetExtension(suffix).Length]);

    private static string Join(string folder, string name) => folder.Length == 0 ? name : $"{folder}/{name}";
}
