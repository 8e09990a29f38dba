using Tessera.Datasets.Segmentation.Known;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">The year's folder, such as VOCdevkit/VOC2012, or a .zip archive of what lies in it.</param>
/// <param name="Split">A list of ImageSets/Segmentation: train, val, trainval, or one of your own such as trainaug.</param>
/// <param name="LabelFolder">Where the label images lie; SegmentationClassAug for the augmented ones.</param>
public sealed record VocSegmentationOptions(string Path, string Split = "train", string LabelFolder = "SegmentationClass") : LabelOptions
{
    private protected override KnownLabels Known => VocLabels.Labels;
}

/// <summary>Pascal VOC's layout: lists of names in ImageSets/Segmentation, photographs in JPEGImages, index PNGs in
/// SegmentationClass.</summary>
/// <remarks>Everingham et al., "The Pascal Visual Object Classes Challenge: A Retrospective", IJCV 2015.</remarks>
[Component("VocSegmentation")]
public sealed class VocSegmentation : SegmentationDataset
{
    public VocSegmentation(VocSegmentationOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private VocSegmentation(FileStore files, VocSegmentationOptions options)
        : base(
            files,
            FilePairing.Listed(
                files,
                $"ImageSets/Segmentation/{options.Split}.txt",
                options.List is not null,
                "JPEGImages",
                options.LabelFolder.Trim('/')
            ),
            options
        ) { }
}
