namespace Tessera.Models.TaskModels.Segmentation;

/// <summary>How an image is shown to the network when it is predicted.</summary>
public enum SegmentationTestMode
{
    /// <summary>All at once.</summary>
    Whole,

    /// <summary>In crops that overlap, whose logits are averaged.</summary>
    Slide,
}

/// <param name="Mode">"whole", or "slide" for crops that overlap.</param>
/// <param name="CropSize">Of a crop, for "slide"; an image that is smaller is taken whole.</param>
/// <param name="Stride">From a crop to the next, for "slide"; two thirds of the crop by default.</param>
/// <param name="CropBatch">Crops that pass the network together.</param>
/// <param name="Scales">Sizes in which the image is shown, relative to what the pipeline gives; their probabilities are averaged.</param>
/// <param name="Weights">Weight of each scale; equal by default.</param>
/// <param name="Flip">Show each scale mirrored, too.</param>
/// <param name="FlipDirections">What is mirrored where flip is set: "horizontal", "vertical".</param>
public sealed record SegmentationTestOptions(
    SegmentationTestMode Mode = SegmentationTestMode.Whole,
    HeightWidth? CropSize = null,
    HeightWidth? Stride = null,
    [property: Range(1, 1024)] int CropBatch = 4,
    [property: MinLength(1)] double[]? Scales = null,
    [property: MinLength(1)] double[]? Weights = null,
    bool Flip = false,
    [property: MinLength(1)] MirrorDirection[]? FlipDirections = null
);

/// <summary>An axis that is mirrored.</summary>
public enum MirrorDirection
{
    /// <summary>Left and right change places.</summary>
    Horizontal,

    /// <summary>Top and bottom change places.</summary>
    Vertical,
}
