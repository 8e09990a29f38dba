using Tessera.Datasets.Segmentation.Known;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <param name="Path">ADEChallengeData2016, which holds images and annotations; or a .zip archive of what lies in it.</param>
/// <param name="Split">training or validation (train and val mean the same).</param>
public sealed record Ade20kOptions(string Path, string Split = "training") : LabelOptions
{
    private protected override KnownLabels Known => Ade20kLabels.Labels;
}

/// <summary>ADE20K as in the scene parsing challenge, 150 classes: <c>images/training/x.jpg</c> and
/// <c>annotations/training/x.png</c>.</summary>
/// <remarks>Zhou et al., "Scene Parsing through ADE20K Dataset", CVPR 2017, arXiv:1608.05442. 0 is ignored, as everyone does.</remarks>
[Component("Ade20k")]
public sealed class Ade20k : SegmentationDataset
{
    public Ade20k(Ade20kOptions options)
        : this(FileStore.Open(options.Path), options) { }

    private Ade20k(FileStore files, Ade20kOptions options)
        : base(
            files,
            FilePairing.Folders(files, $"images/{Folder(options.Split)}", $"annotations/{Folder(options.Split)}", "", "", "Ade20k"),
            options
        ) { }

    private static string Folder(string split) =>
        split switch
        {
            "train" => "training",
            "val" => "validation",
            _ => split,
        };
}
