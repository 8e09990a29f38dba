using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <param name="Path">The images' folder, or a .zip archive of them.</param>
/// <param name="Annotations">The JSON file.</param>
/// <param name="WithMasks">Also read the instance masks ("segmentation": polygons, or run lengths as numbers or as text).</param>
/// <param name="OnBadMask">With with_masks, an object whose mask is missing or can't be used: skip the mask, or error. Skipped, the object
/// is an ignored area in training, and in measures of masks one that is not found.</param>
public sealed record CocoDetectionOptions(string Path, string Annotations, bool WithMasks = false, BadData OnBadMask = BadData.Skip)
    : DetectionOptions
{
    private protected override BadData PolicyOf(FindingKind kind) => kind == FindingKind.BadMask ? OnBadMask : base.PolicyOf(kind);

    private protected override bool ReadsMasks => WithMasks;
}

/// <summary>Images and boxes in COCO's format, and instance masks where they are asked for. Crowds are ignored areas; labels are the
/// categories by rising id, without gaps.</summary>
/// <remarks>Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, arXiv:1405.0312.</remarks>
[Component("CocoDetection")]
public sealed class CocoDetection : DetectionDataset
{
    public CocoDetection(CocoDetectionOptions options)
        : this(options, options.NewFindings()) { }

    private CocoDetection(CocoDetectionOptions options, Findings findings)
        : base(
            FileStore.Open(options.Path),
            options.Annotations,
            CocoFile.Read(options.Annotations, findings, new CocoForm(options.WithMasks)),
            options,
            findings,
            ownFolder: true,
            options.List
        ) { }
}
