using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>What becomes of objects with a mark such as "difficult".</summary>
public enum MarkedObjects
{
    /// <summary>Neither asked for nor a mistake.</summary>
    Ignore,

    /// <summary>As all others.</summary>
    Keep,

    /// <summary>As if they weren't there.</summary>
    Drop,
}

/// <summary>What becomes of a photograph without an annotation file.</summary>
public enum Unannotated
{
    /// <summary>Nothing runs before there is one.</summary>
    Error,

    /// <summary>The photograph is left out, counted, and said once at the start.</summary>
    Skip,

    /// <summary>There is nothing to find on it.</summary>
    Background,
}

/// <param name="Path">The year's folder, such as VOCdevkit/VOC2007, or a .zip archive of what lies in it; or any folder with photographs
/// and XML files.</param>
/// <param name="Split">A list of ImageSets/Main: train, val, trainval, test or one of your own. null takes every image that there is;
/// "list" takes its place.</param>
/// <param name="OneBased">The coordinates count from 1, as VOC's and labelImg's do: 1 is taken from all four, as MMDetection does.</param>
/// <param name="Difficult">Objects marked difficult: ignore, keep or drop them.</param>
/// <param name="Truncated">Objects marked truncated: ignore, keep or drop them.</param>
/// <param name="OnBadFile">An annotation file that is missing or broken: error, or skip its image.</param>
/// <param name="OnMissingAnnotation">An annotation file that is missing or empty: error, skip its image, or take it for background, with
/// nothing to find. By default as on_bad_file says.</param>
/// <param name="ImageFolder">Where the photographs lie below path; "" for path itself.</param>
/// <param name="AnnotationFolder">Where the XML files lie, named as their photographs; it may be the photographs' own folder.</param>
public sealed record VocDetectionOptions(
    string Path,
    string? Split = "train",
    bool OneBased = true,
    MarkedObjects Difficult = MarkedObjects.Ignore,
    MarkedObjects Truncated = MarkedObjects.Keep,
    BadData OnBadFile = BadData.Error,
    Unannotated? OnMissingAnnotation = null,
    string ImageFolder = "JPEGImages",
    string AnnotationFolder = "Annotations"
) : DetectionOptions
{
    private protected override BadData PolicyOf(FindingKind kind) => kind == FindingKind.BadFile ? OnBadFile : base.PolicyOf(kind);
}

/// <summary>Pascal VOC's layout: lists of names in ImageSets/Main, images in JPEGImages, an XML file for each in Annotations. Its XML files
/// may lie anywhere else, too, also beside the images.</summary>
/// <remarks>Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", IJCV 2010.</remarks>
[Component("VocDetection")]
public sealed class VocDetection : DetectionDataset
{
    public VocDetection(VocDetectionOptions options)
        : this(new VocPlaces(FileStore.Open(options.Path), options.ImageFolder, options.AnnotationFolder), options, options.NewFindings())
    { }

    private VocDetection(VocPlaces places, VocDetectionOptions options, Findings findings)
        : this(
            places,
            options.List is null && options.Split is { } split
                ? VocNames.OfSplit(places, split, findings)
                : VocNames.OfList(places, options.List, withOthers: options.Classes is null),
            options,
            findings
        ) { }

    private VocDetection(VocPlaces places, VocNames names, VocDetectionOptions options, Findings findings)
        : base(
            places.Files,
            names.What,
            Marked(VocFiles.Read(places, names, options.OneBased, findings, OfMissing(options)), options, findings),
            options,
            findings,
            ownFolder: false,
            list: null
        ) { }

    private static Unannotated OfMissing(VocDetectionOptions options) =>
        options.OnMissingAnnotation ?? (options.OnBadFile == BadData.Error ? Unannotated.Error : Unannotated.Skip);

    private static AnnotationSet Marked(AnnotationSet read, VocDetectionOptions options, Findings findings)
    {
        return read with
        {
            Images =
            [
                .. read.Images.Select(image =>
                    image with
                    {
                        CornersFrom = options.OneBased ? 1 : 0,
                        Objects =
                        [
                            .. image
                                .Objects.Where(item =>
                                    Stays(image, item, item.Difficult, options.Difficult, "difficult")
                                    && Stays(image, item, item.Truncated, options.Truncated, "truncated")
                                )
                                .Select(item =>
                                    item with
                                    {
                                        Difficult =
                                            (item.Difficult && options.Difficult == MarkedObjects.Ignore)
                                            || (item.Truncated && options.Truncated == MarkedObjects.Ignore),
                                    }
                                ),
                        ],
                    }
                ),
            ],
        };

        bool Stays(AnnotatedImage image, AnnotatedObject item, bool marked, MarkedObjects what, string word)
        {
            if (!marked || what != MarkedObjects.Drop)
                return true;
            findings.LeaveOut(LeftOutKind.Box, $"objects marked {word}, which are dropped", image.Describe(item));
            return false;
        }
    }
}
