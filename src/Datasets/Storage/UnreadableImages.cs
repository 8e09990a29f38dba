using Tessera.Datasets.Images;

namespace Tessera.Datasets.Storage;

/// <summary>Images of formats that can't be read, which are told of where an image is looked for in vain.</summary>
/// <param name="files">Looked through once something is.</param>
public sealed class UnreadableImages(FileStore files)
{
    private readonly Lazy<StemIndex> _byStem = new(() => new StemIndex(files, "", name => ImageCodec.UnreadableFormat(name) is not null));

    /// <summary>What lies in the place of an image: " a.gif is there: GIF files can't be read; convert it …"; "" where nothing
    /// does.</summary>
    /// <param name="stem">The image's name with its folder and without its ending.</param>
    public string Instead(string stem) => _byStem.Value.Find(stem) is [var file, ..] ? " " + Describe(file) : "";

    /// <summary>Says that a file is there, why it can't be read, and what helps.</summary>
    /// <param name="name">Of a file whose ending stands for such a format.</param>
    public string Describe(string name) =>
        $"{files.Describe(name)} is there: {ImageCodec.UnreadableFormat(name)} files can't be read; convert it to JPEG or PNG.";
}
