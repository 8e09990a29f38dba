namespace Tessera.Models.TaskModels;

/// <param name="PtcWeight">Factor of the patches' contrast; 0: none.</param>
/// <param name="CtcWeight">Factor of the crops' contrast; 0: none, and no projector.</param>
/// <param name="SegWeight">Factor of the segmentation's loss; 0: none, and no decoder.</param>
/// <param name="SegStart">The segmentation's loss counts after this iteration.</param>
/// <param name="LowThreshold">Pixels whose best score is not above it are background.</param>
/// <param name="HighThreshold">Pixels whose best score is above it are of that class; those between are uncertain.</param>
/// <param name="CamScales">Sizes, relative to the image, at which class maps are made while training, each with its mirror image; by
/// default 1, 0.5 and 1.5.</param>
/// <param name="LocalCrops">Crops of each image that are contrasted.</param>
/// <param name="LocalCropSize">Their side in pixels.</param>
/// <param name="Temperature">Of the crops' contrast.</param>
/// <param name="Momentum">Share that the averaged projector keeps of itself with each batch.</param>
/// <param name="ProjectorWidth">Width of the projector's hidden layers.</param>
/// <param name="ProjectorDim">Length of what is contrasted.</param>
public sealed record TocoOptions(
    [property: Range(0.0, 1000.0)] double PtcWeight = 0.2,
    [property: Range(0.0, 1000.0)] double CtcWeight = 0.5,
    [property: Range(0.0, 1000.0)] double SegWeight = 0.1,
    [property: Range(0, long.MaxValue)] long SegStart = 2000,
    [property: Range(0.0, 1.0)] double LowThreshold = 0.25,
    [property: Range(0.0, 1.0)] double HighThreshold = 0.7,
    [property: MinLength(1)] double[]? CamScales = null,
    [property: Range(1, 256)] int LocalCrops = 8,
    [property: Range(2, 4096)] int LocalCropSize = 96,
    [property: Range(0.001, 1000.0)] double Temperature = 0.5,
    [property: Range(0.0, 1.0)] double Momentum = 0.9,
    [property: Range(1, 65536)] int ProjectorWidth = 2048,
    [property: Range(1, 65536)] int ProjectorDim = 1024
) : IValidatableObject
{
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LowThreshold > HighThreshold)
            yield return new ValidationResult("The low threshold is above the high one.", [nameof(LowThreshold)]);
        if (CamScales?.Any(scale => scale is not (>= 0.1 and <= 10)) == true)
            yield return new ValidationResult("Scales from 0.1 to 10 were expected.", [nameof(CamScales)]);
    }
}
