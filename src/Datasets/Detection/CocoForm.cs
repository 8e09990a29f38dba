namespace Tessera.Datasets.Detection;

/// <summary>How a file in COCO's format names its images.</summary>
internal enum CocoNaming
{
    /// <summary>By "file_name".</summary>
    FileName,

    /// <summary>By the folder and name that end "coco_url", or, without one, by "file_name" without COCO_train2014_ before it.</summary>
    Url,

    /// <summary>By what ends "file_name": the name, and the folder above it where that is a patch, such as patch8.</summary>
    Patch,
}

/// <summary>What is read of a file in COCO's format, and how.</summary>
/// <param name="WithMasks">Also read "segmentation".</param>
/// <param name="Fake">What becomes of objects marked "isfake".</param>
internal sealed record CocoForm(bool WithMasks = false, CocoNaming Naming = CocoNaming.FileName, MarkedObjects Fake = MarkedObjects.Keep);
