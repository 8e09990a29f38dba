using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <param name="Path">The images' folder: train or val; of version 2 it holds patch0, patch1 …</param>
/// <param name="Annotations">The JSON file, such as zhiyuan_objv2_train.json.</param>
/// <param name="Fake">Objects marked "isfake" (drawn, printed, toys): ignore, keep or drop them.</param>
public sealed record Objects365DetectionOptions(string Path, string Annotations, MarkedObjects Fake = MarkedObjects.Keep)
    : DetectionOptions;

/// <summary>Objects365, version 1 and 2: 365 classes in COCO's format. Labels are the categories by rising id, whatever their order in the
/// file; an image is found by what ends its "file_name", with its patch's folder where there is one.</summary>
/// <remarks>Shao et al., "Objects365: A Large-Scale, High-Quality Dataset for Object Detection", ICCV 2019. Three images that version 2
/// lists and does not bring (MMDetection's list of them) are left out where they are missing.</remarks>
[Component("Objects365Detection")]
public sealed class Objects365Detection : DetectionDataset
{
    private static readonly string[] s_neverThere =
    [
        "patch16/objects365_v2_00908726.jpg",
        "patch6/objects365_v1_00320532.jpg",
        "patch6/objects365_v1_00320534.jpg",
    ];

    /// <exception cref="UserErrorException">The file is not in COCO's format, or its images aren't there.</exception>
    public Objects365Detection(Objects365DetectionOptions options)
        : this(FileStore.Open(options.Path), options, options.NewFindings()) { }

    private Objects365Detection(FileStore files, Objects365DetectionOptions options, Findings findings)
        : base(files, options.Annotations, Read(files, options, findings), options, findings, ownFolder: true, options.List) { }

    private static AnnotationSet Read(FileStore files, Objects365DetectionOptions options, Findings findings)
    {
        var read = CocoFile.Read(options.Annotations, findings, new CocoForm(Naming: CocoNaming.Patch, Fake: options.Fake));
        var absent = s_neverThere.Where(name => !files.Contains(name)).ToHashSet();
        var images = read.Images.Where(image => !absent.Contains(image.File)).ToArray();
        if (images.Length == read.Images.Count)
            return read;
        foreach (var image in read.Images.Where(image => absent.Contains(image.File)))
            findings.LeaveOut(LeftOutKind.Image, "images that Objects365's archives lack", files.Describe(image.File));
        return read with { Images = images };
    }
}
