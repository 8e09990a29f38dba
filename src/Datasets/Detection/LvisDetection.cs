using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <param name="Path">The folder that holds COCO's train2017 and val2017 (or a .zip archive of them): LVIS's val has images of
/// both.</param>
/// <param name="Annotations">The JSON file, such as lvis_v1_train.json.</param>
/// <param name="WithMasks">Also read the instance masks ("segmentation": polygons).</param>
/// <param name="OnBadMask">With with_masks, an object whose mask is missing or can't be used: skip the mask, or error. Skipped, the object
/// is an ignored area in training, and in measures of masks one that is not found.</param>
public sealed record LvisDetectionOptions(string Path, string Annotations, bool WithMasks = false, BadData OnBadMask = BadData.Skip)
    : DetectionOptions
{
    private protected override BadData PolicyOf(FindingKind kind) => kind == FindingKind.BadMask ? OnBadMask : base.PolicyOf(kind);

    private protected override bool ReadsMasks => WithMasks;
}

/// <summary>LVIS v0.5 and v1: COCO's images with boxes (and masks) of 1,230 or 1,203 classes. Each image is annotated for some classes
/// only, and says which of the others were looked for ("neg_category_ids") and which are incomplete ("not_exhaustive_category_ids").
/// Labels are the categories by rising id.</summary>
/// <remarks>Gupta, Dollár and Girshick, "LVIS: A Dataset for Large Vocabulary Instance Segmentation", CVPR 2019, arXiv:1908.03195; the
/// format is described at lvisdataset.org/dataset. An image's file is what ends its "coco_url", folder and name.</remarks>
[Component("LvisDetection")]
public sealed class LvisDetection : DetectionDataset
{
    /// <exception cref="UserErrorException">The file is not in LVIS's format, or its images aren't there.</exception>
    public LvisDetection(LvisDetectionOptions options)
        : this(options, options.NewFindings()) { }

    private LvisDetection(LvisDetectionOptions options, Findings findings)
        : base(
            FileStore.Open(options.Path),
            options.Annotations,
            Read(options, findings),
            options,
            findings,
            ownFolder: false,
            options.List
        ) { }

    private static AnnotationSet Read(LvisDetectionOptions options, Findings findings)
    {
        var read = CocoFile.Read(options.Annotations, findings, new CocoForm(options.WithMasks, CocoNaming.Url));
        if (read.Frequencies is null && read.Names.Count > 0)
            throw new UserErrorException(
                $"{options.Annotations}: a category has no \"frequency\" (\"r\", \"c\" or \"f\"), so this is not in LVIS's format. "
                    + "CocoDetection reads COCO's."
            );
        if (read.Images.Any(image => image.VerifiedLabels is null))
            throw new UserErrorException(
                $"{options.Annotations}: image {read.Images.First(image => image.VerifiedLabels is null).Id} has neither "
                    + "\"neg_category_ids\" nor \"not_exhaustive_category_ids\", which LVIS's files have. CocoDetection reads COCO's."
            );
        return read;
    }
}
