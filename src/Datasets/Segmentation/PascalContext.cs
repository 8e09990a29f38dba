using Tessera.Datasets.Segmentation.Known;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">VOC2010's folder with the context labels in it, or a .zip archive of what lies there.</param>
/// <param name="Split">A list of ImageSets/SegmentationContext: train or val.</param>
/// <param name="LabelFolder">Where the label images lie.</param>
public sealed record PascalContextOptions(string Path, string Split = "train", string LabelFolder = "SegmentationClassContext")
    : LabelOptions
{
    private protected override KnownLabels Known => PascalContextLabels.Labels;
}

/// <summary>Pascal Context with 60 classes; with reduce_zero_label 59, the background ignored. Labels as MMSegmentation's converter writes
/// them.</summary>
/// <remarks>Mottaghi et al., "The Role of Context for Object Detection and Semantic Segmentation in the Wild", CVPR 2014.</remarks>
[Component("PascalContext")]
public sealed class PascalContext : SegmentationDataset
{
    public PascalContext(PascalContextOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private PascalContext(FileStore files, PascalContextOptions options)
        : base(
            files,
            FilePairing.Listed(
                files,
                $"ImageSets/SegmentationContext/{options.Split}.txt",
                options.List is not null,
                "JPEGImages",
                options.LabelFolder.Trim('/')
            ),
            options
        ) { }
}
