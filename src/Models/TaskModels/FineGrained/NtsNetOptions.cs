namespace Tessera.Models.TaskModels.FineGrained;

/// <param name="Proposals">M: parts of an image that are looked at while training.</param>
/// <param name="Parts">K: of these the best scored, whose features stand beside the whole image's; at most <paramref name="Proposals"/>.
/// Predictions look at these alone.</param>
/// <param name="PartSize">Height and width that a part is brought to, in pixels.</param>
/// <param name="AnchorSize">Side of the smallest boxes before scaling, in strides of the backbone's last map; those of the next two levels
/// are twice and four times as large. The paper's 48, 96 and 192 pixels are 1.5 strides of 32.</param>
/// <param name="IouThreshold">A box that overlaps a better one by as much is no proposal.</param>
/// <param name="ProposalChannels">Width of the network that scores boxes.</param>
/// <param name="Dropout">On the pooled features, of the image and of the parts, while training.</param>
public sealed record NtsNetOptions(
    [property: Range(2, 21)] int Proposals = 6,
    [property: Range(1, 21)] int Parts = 4,
    [property: Range(8, 4096)] int PartSize = 224,
    [property: Range(0.25, 64.0)] double AnchorSize = 1.5,
    [property: Range(0.0, 1.0)] double IouThreshold = 0.25,
    [property: Range(1, 65536)] int ProposalChannels = 128,
    [property: Range(0.0, 0.99)] double Dropout = 0.5
) : IValidatableObject
{
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Parts > Proposals)
            yield return new ValidationResult($"{Parts} parts can't be chosen from {Proposals} proposals.", [nameof(Parts)]);
    }
}
