using Tessera.Datasets.Segmentation.Known;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <summary>Which numbers the label files hold.</summary>
public enum LabelNumbers
{
    /// <summary>The annotation's own.</summary>
    Ids,

    /// <summary>Class indices, as a converter wrote them; 255 is ignored.</summary>
    TrainIds,
}

/// <param name="Path">The folder that holds leftImg8bit and gtFine, or a .zip archive of both.</param>
/// <param name="Split">train, val or test.</param>
/// <param name="Labels">ids: …_labelIds.png, as published; train_ids: …_labelTrainIds.png, as a converter writes them.</param>
public sealed record CityscapesOptions(string Path, string Split = "train", LabelNumbers Labels = LabelNumbers.Ids) : LabelOptions
{
    private protected override KnownLabels Known => Labels == LabelNumbers.Ids ? CityscapesLabels.Ids : CityscapesLabels.TrainIds;
}

/// <summary>Cityscapes, fine annotations: <c>leftImg8bit/train/aachen/x_leftImg8bit.png</c> and
/// <c>gtFine/train/aachen/x_gtFine_labelIds.png</c>; 19 classes.</summary>
/// <remarks>Cordts et al., "The Cityscapes Dataset for Semantic Urban Scene Understanding", CVPR 2016, arXiv:1604.01685.</remarks>
[Component("Cityscapes")]
public sealed class Cityscapes : SegmentationDataset
{
    public Cityscapes(CityscapesOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private Cityscapes(FileStore files, CityscapesOptions options)
        : base(
            files,
            FilePairing.Folders(
                files,
                $"leftImg8bit/{options.Split}",
                $"gtFine/{options.Split}",
                "_leftImg8bit.png",
                options.Labels == LabelNumbers.Ids ? "_gtFine_labelIds.png" : "_gtFine_labelTrainIds.png",
                "Cityscapes"
            ),
            options
        ) { }
}
