using Tessera.Datasets.Segmentation.Known;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">The folder that holds images and annotations, or a .zip archive of both.</param>
/// <param name="Split">train2017 or val2017.</param>
/// <param name="Labels">ids: the published pixel maps, x.png with 0 to 181; train_ids: x_labelTrainIds.png with 0 to 170, as
/// MMSegmentation's converter writes them.</param>
public sealed record CocoStuffOptions(string Path, string Split = "train2017", LabelNumbers Labels = LabelNumbers.Ids) : LabelOptions
{
    private protected override KnownLabels Known => Labels == LabelNumbers.Ids ? CocoStuffLabels.Ids : CocoStuffLabels.TrainIds;
}

/// <summary>COCO-Stuff, the release of 164,000 images, 171 classes: <c>images/train2017/x.jpg</c> and
/// <c>annotations/train2017/x.png</c>.</summary>
/// <remarks>Caesar et al., "COCO-Stuff: Thing and Stuff Classes in Context", CVPR 2018, arXiv:1612.03716.</remarks>
[Component("CocoStuff")]
public sealed class CocoStuff : SegmentationDataset
{
    public CocoStuff(CocoStuffOptions options)
        : this(FileStore.Open(options.Path), options) { }

    // Both kinds of label files may lie in one folder.
    private CocoStuff(FileStore files, CocoStuffOptions options)
        : base(
            files,
            FilePairing.Folders(
                files,
                $"images/{options.Split}",
                $"annotations/{options.Split}",
                ".jpg",
                options.Labels == LabelNumbers.Ids ? ".png" : "_labelTrainIds.png",
                "CocoStuff",
                options.Labels == LabelNumbers.Ids ? "_labelTrainIds.png" : null
            ),
            options
        ) { }
}
