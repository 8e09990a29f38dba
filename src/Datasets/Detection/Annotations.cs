using System.Globalization;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>An object as its annotation has it.</summary>
/// <param name="X">Left, in pixels; pixel corners at integers.</param>
/// <param name="Y">Top.</param>
/// <param name="Width">Whatever the file says: it may be negative, or no number.</param>
/// <param name="Height">As the width.</param>
/// <param name="Class">Index into the names that were read with it; -1 where it has none.</param>
public readonly record struct AnnotatedObject(double X, double Y, double Width, double Height, int Class)
{
    private readonly double _area = double.NaN; // half of what a double? takes: there may be tens of millions of objects

    /// <summary>The annotation's own area; null: the box's.</summary>
    public double? Area
    {
        get => double.IsNaN(_area) ? null : _area;
        init => _area = value ?? double.NaN;
    }

    /// <summary>One box around many objects.</summary>
    public bool Crowd { get; init; }

    /// <summary>One box around a group of objects, that is trained on as any other; measures take it for a crowd.</summary>
    public bool GroupOf { get; init; }

    /// <summary>VOC's "difficult", COCO's "ignore".</summary>
    public bool Difficult { get; init; }

    public bool Truncated { get; init; }

    /// <summary>The pixels that it covers, where the annotation says and they were asked for.</summary>
    public ObjectMask? Mask { get; init; }

    /// <summary>Where it stands: the annotation's id (COCO) or its line.</summary>
    public long Place { get; init; }

    /// <summary>Whether all four are numbers.</summary>
    internal bool IsNumbers => double.IsFinite(X) && double.IsFinite(Y) && double.IsFinite(Width) && double.IsFinite(Height);

    private const double Farthest = 1e6; // beyond it, areas are no longer exact, and no image is as large

    /// <summary>Why the box can't be used; null where it can.</summary>
    /// <param name="height">The image's; 0 where it isn't known.</param>
    /// <param name="width">The image's; 0 where it isn't known.</param>
    internal string? Fault(int height, int width)
    {
        if (!IsMeasurable)
            return "has a side that is missing, no number or beyond all images";
        if (Width <= 0 || Height <= 0)
            return Width < 0 || Height < 0 ? "has a negative side" : "has no extent";
        if (width > 0 && height > 0 && (X >= width || Y >= height || X + Width <= 0 || Y + Height <= 0))
            return $"lies outside its image of {width} x {height}";
        return null;
    }

    /// <summary>Whether overlaps with the box can be computed, even if they are all 0.</summary>
    internal bool IsMeasurable =>
        Math.Abs(X) <= Farthest && Math.Abs(Y) <= Farthest && Math.Abs(Width) <= Farthest && Math.Abs(Height) <= Farthest;

    internal bool Leaves(int height, int width) => X < 0 || Y < 0 || X + Width > width || Y + Height > height;
}

/// <summary>An image and its objects.</summary>
/// <param name="File">The image, relative to the images' folder.</param>
/// <param name="Height">As the annotation says; 0 where it doesn't.</param>
/// <param name="Width">As the annotation says; 0 where it doesn't.</param>
public sealed record AnnotatedImage(string File, int Height, int Width, IReadOnlyList<AnnotatedObject> Objects)
{
    public long? Id { get; init; }

    /// <summary>The size was not annotated, but read from the image.</summary>
    public bool Measured { get; init; }

    /// <summary>The annotation gives a URL; <see cref="File"/> is the end of its path.</summary>
    public bool IsFromUrl { get; init; }

    /// <summary>Measured, and its EXIF orientation exchanges rows and columns: <see cref="Height"/> and <see cref="Width"/> are as a viewer
    /// shows it.</summary>
    public bool Turned { get; init; }

    /// <summary>Where its annotation lies: the file that <see cref="AnnotatedObject.Place"/> is a line of; null where places are
    /// ids.</summary>
    public string? Source { get; init; }

    /// <summary>What places count in that file, such as shapes; null: its lines.</summary>
    public string? PlacesOf { get; init; }

    /// <summary>By place, what stands in the file for boxes that aren't four numbers; null where all are.</summary>
    internal IReadOnlyDictionary<long, string>? Stated { get; init; }

    /// <summary>The file has two corners, xmin, ymin, xmax and ymax, and this is its first pixel: 1 or 0. null: it has something
    /// else.</summary>
    internal int? CornersFrom { get; init; }

    /// <summary>Classes that are known to be there or not, beside those that have objects; null where all are.</summary>
    public IReadOnlyList<int>? VerifiedLabels { get; init; }

    /// <summary>Classes of which not every object is annotated.</summary>
    public IReadOnlyList<int> NotExhaustiveLabels { get; init; } = [];

    /// <summary>The same as the file has it, until its categories are known.</summary>
    internal JudgedCategories? Judged { get; init; }

    /// <summary>The objects' boxes are fractions of the sides of the image as a viewer shows it.</summary>
    internal bool InFractions { get; init; }

    /// <summary>For messages: where an object stands.</summary>
    internal string Describe(AnnotatedObject item) =>
        Source is null ? $"annotation {item.Place} of {File}"
        : PlacesOf is null ? $"{Source}:{item.Place}"
        : $"{Source}: {PlacesOf} {item.Place}";

    internal string FaultText(AnnotatedObject item, string fault) =>
        !item.IsNumbers && Stated?.TryGetValue(item.Place, out var text) == true ? $"{Describe(item)}: {text}"
        : double.IsNaN(item.X) && double.IsNaN(item.Width)
            ? $"{Describe(item)}: the box (x, y, width, height) is missing, no number or not four of them."
        : string.Create(
            CultureInfo.InvariantCulture,
            $"{Describe(item)}: the box [{item.X}, {item.Y}, {item.Width}, {item.Height}] (x, y, width, height) {fault}."
        );
}

/// <summary>What LVIS says of an image's classes.</summary>
/// <param name="Absent">Ids of categories that were looked for and not found.</param>
/// <param name="NotExhaustive">Ids of categories of which not every object is annotated.</param>
internal sealed record JudgedCategories(long[] Absent, long[] NotExhaustive);

/// <summary>What a format's reader found: the same for all of them.</summary>
/// <param name="Names">Every category that the annotations have.</param>
/// <param name="CategoryIds">The categories' ids in the file, where they have any.</param>
public sealed record AnnotationSet(IReadOnlyList<string> Names, IReadOnlyList<long>? CategoryIds, IReadOnlyList<AnnotatedImage> Images)
{
    /// <summary>How often each category occurs in the training data, where the annotations say so.</summary>
    public IReadOnlyList<ClassFrequency>? Frequencies { get; init; }

    /// <summary>Of each category those above it, where there is a hierarchy.</summary>
    public IReadOnlyList<IReadOnlyList<int>>? Ancestors { get; init; }

    /// <summary>The same with the images' sizes from their headers, where the annotations lack them. A file that can't be read is told of
    /// when it is.</summary>
    public AnnotationSet Measured(FileStore files) =>
        Images.All(image => image.Height > 0 && image.Width > 0)
            ? this
            : this with
            {
                Images = [.. new ImageSizes(files).Of(Images).Select(image => image.InFractions ? InPixels(image) : image)],
            };

    private static AnnotatedImage InPixels(AnnotatedImage image)
    {
        // Of an image without a size no box is known.
        var (width, height) = image.Width > 0 ? (image.Width, image.Height) : (double.NaN, double.NaN);
        return image with
        {
            Objects =
            [
                .. image.Objects.Select(item =>
                    item with
                    {
                        X = item.X * width,
                        Y = item.Y * height,
                        Width = item.Width * width,
                        Height = item.Height * height,
                    }
                ),
            ],
        };
    }

    /// <summary>The same with images from URLs named by their last part alone, where it tells them all apart: downloaded files usually lie
    /// in one folder.</summary>
    public AnnotationSet Downloaded()
    {
        if (!Images.Any(image => image.IsFromUrl))
            return this;
        var names = Images.Select(image => image.IsFromUrl ? image.File[(image.File.LastIndexOf('/') + 1)..] : image.File).ToArray();
        return names.Distinct(StringComparer.OrdinalIgnoreCase).Count() < names.Length
            ? this
            : this with
            {
                Images = [.. Images.Select((image, i) => image with { File = names[i] })],
            };
    }

    /// <summary>The same with these classes only, in this order, and without boxes and masks that can't be used.</summary>
    /// <param name="classes">null: all.</param>
    public AnnotationSet Usable(IReadOnlyList<string>? classes, Findings findings)
    {
        var names = classes ?? Names;
        var (old, labels) = (Names.ToList(), new int[Names.Count]);
        var wanted = names.ToList();
        for (var i = 0; i < labels.Length; i++)
            labels[i] = wanted.IndexOf(Names[i]);
        var images = Images
            .Select(image =>
                image with
                {
                    VerifiedLabels = null, // nothing that is converted to knows of them
                    NotExhaustiveLabels = [],
                    Objects =
                    [
                        .. image
                            .Objects.Where(item => IsUsable(image, item))
                            .Select(item => item with { Class = labels[item.Class], Mask = UsableMask(image, item) }),
                    ],
                }
            )
            .ToArray();
        var ids = CategoryIds is { } known && names.All(old.Contains) ? names.Select(name => known[old.IndexOf(name)]).ToArray() : null;
        return new AnnotationSet(names, ids, images);

        ObjectMask? UsableMask(AnnotatedImage image, AnnotatedObject item)
        {
            if (image is not { Height: > 0, Width: > 0 } || item.Mask?.Fault(image.Height, image.Width) is not { } wrong)
                return item.Mask;
            findings.Add(FindingKind.BadMask, $"{image.Describe(item)}: {wrong}.");
            return null;
        }

        bool IsUsable(AnnotatedImage image, AnnotatedObject item)
        {
            if (item.Fault(image.Height, image.Width) is { } fault)
            {
                findings.Add(FindingKind.BadBox, image.FaultText(item, fault));
                return false;
            }
            if (item.Class >= 0 && labels[item.Class] >= 0)
                return true;
            findings.Add(
                FindingKind.UnknownClass,
                item.Class < 0
                    ? $"{image.Describe(item)}: it has no class."
                    : $"{image.Describe(item)}: \"{Names[item.Class]}\" is none of the "
                        + $"classes.{NearestName.Suggest(Names[item.Class], names)}"
            );
            return false;
        }
    }
}
