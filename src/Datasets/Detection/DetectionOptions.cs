namespace Tessera.Datasets.Detection;

/// <summary>What every detection data set can be told about its annotations.</summary>
public abstract record DetectionOptions
{
    /// <summary>Class names in index order; a part of those annotated will do. By default all: COCO's categories by rising id, VOC's names
    /// in ordinal order.</summary>
    [MinLength(1)]
    public string[]? Classes { get; init; }

    /// <summary>A box without extent, of negative size, that is no number, or wholly outside its image: skip it, or error. Skipped, it is
    /// no box to train on; measures count it as not found, as COCO's do.</summary>
    public BadData OnBadBox { get; init; } = BadData.Skip;

    /// <summary>An object of a class that isn't in classes: skip it, or error. By default such objects are skipped, unless a class never
    /// occurs and one left out has nearly its name: then it is taken for misspelt.</summary>
    public BadData? OnUnknownClass { get; init; }

    /// <summary>An image that the annotations name, but that isn't there: error, or skip it with its objects.</summary>
    public BadData OnMissingImage { get; init; } = BadData.Error;

    /// <summary>An id or a name that comes twice: error, or skip the second.</summary>
    public BadData OnDuplicate { get; init; } = BadData.Error;

    /// <summary>Leave out images that have nothing to find: for training.</summary>
    public bool FilterEmpty { get; init; }

    /// <summary>A text file that names the images to take, one a line, in place of a split's own list; looked for below path, then in the
    /// working folder. By default all. Classes are those of all annotations.</summary>
    public string? List { get; init; }

    private protected virtual BadData PolicyOf(FindingKind kind) =>
        kind switch
        {
            FindingKind.BadBox => OnBadBox,
            FindingKind.UnknownClass => OnUnknownClass ?? BadData.Skip,
            FindingKind.MissingImage => OnMissingImage,
            FindingKind.Duplicate => OnDuplicate,
            _ => BadData.Error,
        };

    private protected virtual bool ReadsMasks => false;

    /// <summary>Whether objects have masks.</summary>
    internal bool HasMasks => ReadsMasks;

    internal Findings NewFindings() => new(PolicyOf);
}
