using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">The folder (or .zip archive) that holds train, val and test.</param>
/// <param name="Split">train, val or test.</param>
public sealed record CamVidOptions(string Path, string Split = "train") : LabelOptions
{
    private static readonly KnownLabels Labels = KnownLabels.InOrder(
        "Sky, Building, Pole, Road, Pavement, Tree, SignSymbol, Fence, Car, Pedestrian, Bicyclist",
        "808080 800000 C0C080 804080 0000C0 808000 C08080 404080 400080 404000 0080C0",
        ignored: 11
    );

    private protected override KnownLabels Known => Labels;
}

/// <summary>CamVid with its 11 classes, as <c>train/image</c> and <c>train/label</c>, or as <c>train</c> and <c>trainannot</c>.</summary>
/// <remarks>
/// Brostow et al., "Semantic object classes in video: A high-definition ground truth database", Pattern Recognition Letters 2009; the 11
/// classes
/// and 480 x 360 pixels of Badrinarayanan et al., "SegNet", 2015, arXiv:1511.00561.
/// </remarks>
[Component("CamVid")]
public sealed class CamVid : SegmentationDataset
{
    public CamVid(CamVidOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private CamVid(FileStore files, CamVidOptions options)
        : base(files, Find(files, options.Split.Trim('/')), options) { }

    private static Pairs Find(FileStore files, string split) =>
        files.Names.Any(name => name.StartsWith($"{split}annot/", StringComparison.Ordinal))
            ? FilePairing.Folders(files, split, $"{split}annot", "", "", "CamVid")
            : FilePairing.Folders(files, $"{split}/image", $"{split}/label", "", "", "CamVid");
}
