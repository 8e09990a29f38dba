namespace Tessera.Datasets.Detection;

/// <summary>An object as its annotation has it.</summary>
/// <param name="X">Left, in pixels; pixel corners at integers.</param>
/// <param name="Y">Top.</param>
/// <param name="Width">Whatever the file says: it may be negative, or no number.</param>
/// <param name="Height">As the width.</param>
/// <param name="Class">Index into the names that were read with it; -1 where it has none.</param>
public readonly record struct AnnotatedObject(double X, double Y, double Width, double Height, int Class)
{
    /// <summary>The annotation's own area; null: the box's.</summary>
    public double? Area { get; init; }

    /// <summary>One box around many objects.</summary>
    public bool Crowd { get; init; }

    /// <summary>VOC's "difficult", COCO's "ignore".</summary>
    public bool Difficult { get; init; }

    public bool Truncated { get; init; }

    /// <summary>Where it stands: the annotation's id (COCO) or its line.</summary>
    public long Place { get; init; }

    private const double Farthest = 1e6; // beyond it, areas are no longer exact, and no image is as large

    /// <summary>Why the box can't be used; null where it can.</summary>
    /// <param name="height">The image's; 0 where it isn't known.</param>
    /// <param name="width">The image's; 0 where it isn't known.</param>
    internal string? Fault(int height, int width)
    {
        if (!(Math.Abs(X) <= Farthest && Math.Abs(Y) <= Farthest && Math.Abs(Width) <= Farthest && Math.Abs(Height) <= Farthest)) return "has a side that is missing, no number or beyond all images";
        if (Width <= 0 || Height <= 0) return Width < 0 || Height < 0 ? "has a negative side" : "has no extent";
        if (width > 0 && height > 0 && (X >= width || Y >= height || X + Width <= 0 || Y + Height <= 0)) return $"lies outside its image of {width} x {height}";
        return null;
    }

    internal bool Leaves(int height, int width) => X < 0 || Y < 0 || X + Width > width || Y + Height > height;
}

/// <summary>An image and its objects.</summary>
/// <param name="File">The image, relative to the images' folder.</param>
/// <param name="Height">As the annotation says; 0 where it doesn't.</param>
/// <param name="Width">As the annotation says; 0 where it doesn't.</param>
public sealed record AnnotatedImage(string File, int Height, int Width, IReadOnlyList<AnnotatedObject> Objects)
{
    public long? Id { get; init; }

    /// <summary>Where its annotation lies: the file that <see cref="AnnotatedObject.Place"/> is a line of; null where places are ids.</summary>
    public string? Source { get; init; }

    /// <summary>For messages: where an object stands.</summary>
    internal string Describe(AnnotatedObject item) => Source is not null
        ? $"{Source}:{item.Place}"
        : $"annotation {item.Place} of {File}";
}

/// <summary>What a format's reader found: the same for all of them.</summary>
/// <param name="Names">Every category that the annotations have.</param>
/// <param name="CategoryIds">The categories' ids in the file, where they have any.</param>
public sealed record AnnotationSet(IReadOnlyList<string> Names, IReadOnlyList<long>? CategoryIds, IReadOnlyList<AnnotatedImage> Images);
