using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">A folder or a .zip archive.</param>
/// <param name="Split">Which part, such as "train"; what {split} stands for in the two folders' names.</param>
/// <param name="ImageFolder">Where the photographs lie below path; MMSegmentation's layout is "images/{split}".</param>
/// <param name="LabelFolder">Where the label images lie; MMSegmentation's layout is "annotations/{split}".</param>
/// <param name="ImageSuffix">How the photographs' names end where the labels' end otherwise, with or without the extension:
/// "_leftImg8bit".</param>
/// <param name="LabelSuffix">How the labels' names end: "_gtFine_labelIds".</param>
public sealed record SegmentationFolderOptions(
    string Path,
    string Split = "train",
    string ImageFolder = "{split}/image",
    string LabelFolder = "{split}/label",
    string ImageSuffix = "",
    string LabelSuffix = ""
) : LabelOptions
{
    private protected override KnownLabels? Known => null;
}

/// <summary>A folder of photographs and one of label images with the same names: <c>train/image/1.jpg</c> and <c>train/label/1.png</c>.
/// Reads a zip archive as it is.</summary>
[Component("SegmentationFolder")]
public sealed class SegmentationFolder : SegmentationDataset
{
    public SegmentationFolder(SegmentationFolderOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private SegmentationFolder(FileStore files, SegmentationFolderOptions options)
        : base(
            files,
            FilePairing.Folders(
                files,
                Folder(options.ImageFolder, options.Split),
                Folder(options.LabelFolder, options.Split),
                options.ImageSuffix,
                options.LabelSuffix,
                "SegmentationFolder"
            ),
            options
        ) { }

    private static string Folder(string pattern, string split) =>
        pattern.Replace("{split}", split, StringComparison.Ordinal).Replace('\\', '/').Trim('/');
}
