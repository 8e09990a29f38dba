using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <param name="Path">The images' folder, such as train or validation: an image is ImageID and .jpg.</param>
/// <param name="Annotations">The CSV file of boxes, such as oidv6-train-annotations-bbox.csv.</param>
/// <param name="Descriptions">The CSV file of labels and names, class-descriptions-boxable.csv; its order is the classes'.</param>
/// <param name="Hierarchy">The JSON file of what is a kind of what, bbox_labels_600_hierarchy.json. Without it classes stand for
/// themselves.</param>
/// <param name="ImageLabels">The CSV file of labels that people verified, such as validation-annotations-human-imagelabels-boxable.csv: an
/// image's classes with objects, and those in this file, were looked for in it; without the file the former alone.</param>
/// <param name="ExpandImageLabels">A label found in an image (Confidence 1) stands for all classes above it too, one that is absent (0)
/// for all below it, as the challenges' evaluation has it; otherwise for itself, as in MMDetection.</param>
/// <param name="GroupOf">In training, boxes around groups of objects (IsGroupOf): ignore, keep or drop them. Kept or ignored, measures
/// know them for groups.</param>
public sealed record OpenImagesDetectionOptions(
    string Path,
    string Annotations,
    string Descriptions,
    string? Hierarchy = null,
    string? ImageLabels = null,
    bool ExpandImageLabels = false,
    MarkedObjects GroupOf = MarkedObjects.Keep
) : DetectionOptions;

/// <summary>Open Images V4 to V7 and the challenges on it: boxes in CSV files, in fractions of the images' sides. Images are those that
/// have boxes; their sizes are read from their headers once and remembered.</summary>
/// <remarks>Kuznetsova et al., "The Open Images Dataset V4", IJCV 2020, arXiv:1811.00982; the files are described at
/// storage.googleapis.com/openimages/web/download.html.</remarks>
[Component("OpenImagesDetection")]
public sealed class OpenImagesDetection : DetectionDataset
{
    /// <exception cref="UserErrorException">A file is not of its form, with the line, or the images aren't there.</exception>
    public OpenImagesDetection(OpenImagesDetectionOptions options)
        : this(options, options.NewFindings()) { }

    private OpenImagesDetection(OpenImagesDetectionOptions options, Findings findings)
        : base(
            FileStore.Open(options.Path),
            options.Annotations,
            Read(options, findings),
            options,
            findings,
            ownFolder: false,
            options.List
        ) { }

    private static AnnotationSet Read(OpenImagesDetectionOptions options, Findings findings)
    {
        var classes = OpenImagesClasses.Read(options.Descriptions);
        if (options.ExpandImageLabels && (options.Hierarchy is null || options.ImageLabels is null))
            throw new UserErrorException("OpenImagesDetection: expand_image_labels needs \"hierarchy\" and \"image_labels\".");
        var ancestors = options.Hierarchy is { } hierarchy ? OpenImagesHierarchy.Read(hierarchy, classes) : null;
        var (images, places) = OpenImagesBoxes.Read(options.Annotations, classes, options.GroupOf, findings);
        if (options.ImageLabels is { } labels)
        {
            var verified = OpenImagesLabels.Read(labels, classes, places, options.ExpandImageLabels ? ancestors : null, findings);
            for (var i = 0; i < images.Count; i++)
                images[i] = images[i] with { VerifiedLabels = verified[i] };
        }
        return new AnnotationSet(classes.Names, null, images) { Ancestors = ancestors };
    }
}
