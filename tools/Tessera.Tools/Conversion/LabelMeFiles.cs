using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;

namespace Tessera.Tools.Conversion;

/// <summary>LabelMe's files of a whole data set, each beside its image.</summary>
internal static class LabelMeFiles
{
    /// <summary>The images by the names that they have in the folder, and with sizes, which LabelMe's files state. Where the annotations
    /// don't, they are read from the images.</summary>
    /// <param name="folder">The images' folder.</param>
    public static AnnotationSet Placed(AnnotationSet read, string input, string folder, Findings findings)
    {
        if (Directory.Exists(folder))
        {
            var files = FileStore.Open(folder, fromConfig: false);
            read = Found(read, files, findings).Measured(files);
        }
        else
        {
            TellAbsent([.. read.Images.Select(image => image.File)], read.Images.Count, folder, findings);
        }
        foreach (var image in read.Images.Where(image => image is not { Height: > 0, Width: > 0 }))
            findings.Add(
                FindingKind.MissingImage,
                $"{input}: {image.File} has no \"height\" and \"width\", which LabelMe's files need, and "
                    + $"{Path.Combine(folder, image.File)} can't be read for them. Lay the images there, or write both into {input}."
            );
        return read with { Images = [.. read.Images.Where(image => image is { Height: > 0, Width: > 0 })] };
    }

    /// <summary>A file beside each image; one that is there already may hold somebody's work.</summary>
    public static void Write(AnnotationSet set, string folder)
    {
        string PathOf(AnnotatedImage image) => Path.Combine(folder, Path.ChangeExtension(image.File, ".json"));
        if (set.Images.Select(PathOf).FirstOrDefault(File.Exists) is { } there)
            throw new UserErrorException($"{there} exists, and would be overwritten. Move it away, or name another folder.");
        if (set.Images.GroupBy(PathOf).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new UserErrorException($"{twice.Key} would be the file of {string.Join(" and ", twice.Select(image => image.File))}.");
        foreach (var image in set.Images)
            LabelMeWriter.Write(image, set.Names, PathOf(image));
    }

    private static AnnotationSet Found(AnnotationSet read, FileStore files, Findings findings)
    {
        var names = files.Names.Where(ImageCodec.HasExtension).ToArray();
        var known = names.ToHashSet(StringComparer.Ordinal);
        // A name's ends, whatever folders are before them: "sub/a.jpg" and "a.jpg".
        var byEnd = names
            .SelectMany(name => Ends(name).Select(end => (End: ClassNames.Normalize(end), Name: name)))
            .ToLookup(entry => entry.End, entry => entry.Name, StringComparer.OrdinalIgnoreCase);
        var used = read.Images.Select(image => image.File).Where(known.Contains).ToHashSet(StringComparer.Ordinal);
        var (images, absent, other) = (new List<AnnotatedImage>(read.Images.Count), new List<string>(), new List<string>());
        foreach (var image in read.Images)
        {
            if (known.Contains(image.File))
            {
                images.Add(image);
            }
            else if (Match(image.File) is { } file && used.Add(file))
            {
                other.Add($"{file} for {image.File}");
                images.Add(image with { File = file });
            }
            else
            {
                absent.Add(image.File);
                images.Add(image);
            }
        }
        if (other.Count > 0)
            findings.Note(
                $"{Counted.Of(other.Count, "image")} {(other.Count == 1 ? "lies" : "lie")} in {files.Location} under another name than the "
                    + $"annotations have: in other letters, or in other folders. The first: {other[0]}."
            );
        TellAbsent(absent, read.Images.Count, files.Location, findings);
        return read with { Images = images };

        // The whole name, or else its longest end that some file shares, where only one does.
        string? Match(string name) =>
            Ends(name).Select(end => byEnd[ClassNames.Normalize(end)].ToArray()).FirstOrDefault(found => found.Length > 0) is [var one]
                ? one
                : null;
    }

    private static IEnumerable<string> Ends(string name)
    {
        yield return name;
        for (var at = name.IndexOf('/', StringComparison.Ordinal); at >= 0; at = name.IndexOf('/', at + 1))
            yield return name[(at + 1)..];
    }

    private static void TellAbsent(List<string> absent, int all, string folder, Findings findings)
    {
        if (absent.Count > 0)
            findings.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{absent.Count:N0} of {Counted.Of(all, "image")} {(absent.Count == 1 ? "isn't" : "aren't")} in {folder}: LabelMe "
                        + $"opens such a file once its image lies beside it. The first: {absent[0]}."
                )
            );
    }
}
