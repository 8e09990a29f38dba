using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Which images of a VOC folder are read.</summary>
/// <param name="Taken">Names that a photograph and its annotation share.</param>
/// <param name="Others">Further images, whose annotations only tell which classes there are.</param>
/// <param name="What">The list or folder that says so, for messages.</param>
public sealed record VocNames(IReadOnlyList<string> Taken, IReadOnlyList<string> Others, string What)
{
    /// <summary>Those of a list in ImageSets/Main.</summary>
    /// <exception cref="UserErrorException">There is no such list, or it names nothing.</exception>
    public static VocNames OfSplit(VocPlaces places, string split, Findings findings)
    {
        var (files, list) = (places.Files, $"ImageSets/Main/{split}.txt");
        if (!files.Names.Any(name => name.StartsWith("ImageSets/", StringComparison.Ordinal)) && files.Names.Count > 0)
            throw new UserErrorException(
                $"{files.Describe(list)} doesn't exist, nor does ImageSets: is path the folder that holds it? Without ImageSets, "
                    + "\"split\": null takes every image, and \"list\": \"train.txt\" those of a list of your own."
            );
        var (names, seen) = (new List<string>(), new Dictionary<string, (int Line, string Name)>(StringComparer.Ordinal));
        var (annotations, photographs) = (places.Annotations, places.Photographs);
        foreach (
            var (line, name, mark) in NameList.Read(files, list, name => annotations.Find(name).Count + photographs.Find(name).Count > 0)
        )
        {
            // A class's own list has a second column: -1 for images without it.
            if (mark == "-1")
                findings.LeaveOut(LeftOutKind.File, "images that the list marks with -1", $"{files.Describe(list)}:{line}  {name}");
            else if (seen.TryAdd(Meant(name), (line, name)))
                names.Add(name);
            else
                findings.Add(FindingKind.Duplicate, $"{files.Describe(list)}:{line}  {Twice(name, seen[Meant(name)])}");
        }
        return names.Count > 0
            ? new(names, [], files.Describe(list))
            : throw new UserErrorException($"{files.Describe(list)} lists no images: all are marked with -1.");

        // Names in other letters mean one file, unless each has its own.
        string Meant(string name) =>
            photographs.Find(name) is { Count: > 0 } images ? string.Join('|', images)
            : annotations.Find(name) is { Count: > 0 } found ? string.Join('|', found)
            : name;

        string Twice(string name, (int Line, string Name) first) =>
            first.Name == name
                ? $"{name} comes twice."
                : $"{name} is the image of line {first.Line}, {first.Name}, in other letters: "
                    + $"{files.Describe(Meant(name).Split('|')[0])} comes twice.";
    }

    /// <summary>Those of a list of the user's, or all.</summary>
    /// <param name="list">null: all.</param>
    /// <param name="withOthers">Have the other images' annotations tell their classes.</param>
    /// <exception cref="UserErrorException">There are no images, no such list, or it names what isn't there.</exception>
    public static VocNames OfList(VocPlaces places, string? list, bool withOthers)
    {
        var photographs = places.AllPhotographs();
        if (list is null)
            return new(Distinct(photographs), [], places.Describe());
        var taken = Distinct(SampleList.Read(places.Files, list, photographs, places.ImageFolder).Select(i => photographs[i]));
        return new(taken, withOthers ? [.. Distinct(photographs).Except(taken, StringComparer.Ordinal)] : [], list);

        string[] Distinct(IEnumerable<string> files) => [.. files.Select(places.NameOf).Distinct(StringComparer.Ordinal)];
    }
}
