using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <summary>Where photographs and annotation files lie, by their common names.</summary>
/// <param name="files">Both.</param>
/// <param name="imageFolder">Below the files' location; "" for the location itself. The two folders may be one.</param>
/// <param name="annotationFolder">Likewise.</param>
public sealed class VocPlaces(FileStore files, string imageFolder = "JPEGImages", string annotationFolder = "Annotations")
{
    private readonly string _images = imageFolder.Replace('\\', '/').Trim('/'),
        _annotations = annotationFolder.Replace('\\', '/').Trim('/');
    private StemIndex? _photographs,
        _xml;

    public FileStore Files => files;

    public string ImageFolder => _images;

    internal StemIndex Photographs => _photographs ??= new StemIndex(files, _images, ImageCodec.HasExtension);

    internal StemIndex Annotations =>
        _xml ??= new StemIndex(files, _annotations, name => name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase));

    /// <summary>Where an image's annotation is expected.</summary>
    internal string Annotation(string name) => $"{Below(_annotations)}{name}.xml";

    /// <summary>Where a photograph is expected.</summary>
    internal string Image(string name) => $"{Below(_images)}{name}.jpg";

    /// <summary>The annotations' folder as a person finds it.</summary>
    internal string Describe() => _annotations.Length == 0 ? files.Location : files.Describe(_annotations);

    /// <summary>Every photograph, in ordinal order.</summary>
    /// <exception cref="UserErrorException">There are none.</exception>
    internal string[] AllPhotographs()
    {
        var prefix = Below(_images);
        var found = files.Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal) && ImageCodec.HasExtension(name)).ToArray();
        if (found.Length > 0)
            return found;
        var folders = files.Names.Select(name => Path.GetDirectoryName(name)!.Replace('\\', '/')).Distinct().ToArray();
        throw new UserErrorException(
            $"{(_images.Length == 0 ? files.Location : files.Describe(_images))} holds no images "
                + $"({string.Join(", ", ImageCodec.Extensions)}).{NearestName.Suggest(_images, folders)} Where they lie is set by "
                + $"image_folder (\"\": path itself); there are: {string.Join(", ", folders.Select(folder => $"\"{folder}\"").Take(20))}."
        );
    }

    /// <summary>The name that a photograph shares with its annotation.</summary>
    internal string NameOf(string photograph) => Path.ChangeExtension(photograph[Below(_images).Length..], null);

    private static string Below(string folder) => folder.Length == 0 ? "" : folder + "/";
}
