using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <param name="Path">The images' folder, or a .zip archive of them.</param>
/// <param name="Annotations">The JSON file.</param>
public sealed record CocoDetectionOptions(string Path, string Annotations) : DetectionOptions;

/// <summary>Images and boxes in COCO's format. Crowds are ignored areas; labels are the categories by rising id, without gaps.</summary>
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
            CocoFile.Read(options.Annotations, findings),
            options,
            findings,
            ownFolder: true,
            options.List
        ) { }
}
