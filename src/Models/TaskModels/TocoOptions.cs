namespace Tessera.Models.TaskModels;

/// <param name="PtcWeight">Factor of the patches' contrast; 0: none.</param>
/// <param name="CtcWeight">Factor of the crops' contrast; 0: none, and no projector.</param>
/// <param name="SegWeight">Factor of the segmentation's loss; 0: none, and no decoder.</param>
/// <param name="SegStart">The segmentation's loss counts after this iteration.</param>
/// <param name="EnergyWeight">Factor of the segmentation's energy as a dense random field (<see cref="Losses.DenseEnergy"/>), which
/// counts from the same iteration on; 0: none. The paper has 0.05, for images of 448 pixels: the energy is a sum over pairs of pixels,
/// not a mean.</param>
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
/// <param name="PixelStd">For the energy: the std of the pipeline's Normalize, in units of 0 to 255, one or of each channel. By default
/// ImageNet's, as Normalize has it.</param>
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
    [property: Range(1, 65536)] int ProjectorDim = 1024,
    [property: Range(0.0, 1000.0)] double EnergyWeight = 0,
    [property: MinLength(1)] double[]? PixelStd = null
) : IValidatableObject
{
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (LowThreshold > HighThreshold)
            yield return new ValidationResult("The low threshold is above the high one.", [nameof(LowThreshold)]);
        if (EnergyWeight > 0 && SegWeight == 0)
            yield return new ValidationResult(
                "The energy is of the decoder's segmentation, which there is none of with a seg_weight of 0.",
                [nameof(EnergyWeight)]
            );
        if (PixelStd?.Any(value => value is not (> 0 and <= 1e6)) == true)
            yield return new ValidationResult("Positive values were expected.", [nameof(PixelStd)]);
        if (CamScales?.Any(scale => scale is not (>= 0.1 and <= 10)) == true)
            yield return new ValidationResult("Scales from 0.1 to 10 were expected.", [nameof(CamScales)]);
    }
}
