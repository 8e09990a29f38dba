namespace Tessera.Models.TaskModels;

/// <summary>Which of the published networks.</summary>
public enum MctformerVersion
{
    /// <summary>Class tokens alone.</summary>
    V1,

    /// <summary>And a convolution over the patches, averaged.</summary>
    V2,

    /// <summary>MCTformer+: the convolution pooled by rank, and a contrast of the class tokens.</summary>
    Plus,
}

/// <summary>Which of the network's answers is predicted.</summary>
public enum MctformerScores
{
    /// <summary>The class tokens', which the authors' mAP is of.</summary>
    ClassTokens,

    /// <summary>The patches'.</summary>
    Patches,

    /// <summary>The mean of both, before the sigmoid.</summary>
    Mean,
}

/// <param name="Version">"v1": class tokens alone; "v2": and a convolution over the patches; "plus": pooled by rank, with a contrast of the
/// class tokens.</param>
/// <param name="Scores">What is predicted, and explained by activation maps: the logits of "class_tokens", of "patches" or their
/// "mean".</param>
/// <param name="Decay">For "plus": the weight of each rank relative to the one above in the patches' pooling.</param>
/// <param name="ContrastWeight">For "plus": factor of the class tokens' contrast.</param>
/// <param name="ContrastLayers">For "plus": how many of the last blocks' class tokens are contrasted; all by default.</param>
/// <param name="AttentionLayers">How many of the last blocks' attention makes the class maps; by default 3 for "v1" and "v2", all for
/// "plus".</param>
/// <param name="PatchAffinity">Class maps are spread by the patches' attention among themselves, summed over all blocks.</param>
public sealed record MctformerOptions(
    MctformerVersion Version = MctformerVersion.Plus,
    MctformerScores Scores = MctformerScores.ClassTokens,
    [property: Range(0.0, 1.0)] double Decay = MctformerOptions.PublishedDecay,
    [property: Range(0.0, 1000.0)] double ContrastWeight = MctformerOptions.PublishedWeight,
    [property: Range(1, 1024)] int? ContrastLayers = null,
    [property: Range(1, 1024)] int? AttentionLayers = null,
    bool PatchAffinity = true
) : IValidatableObject
{
    private const double PublishedDecay = 0.996;
    private const double PublishedWeight = 1;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Version == MctformerVersion.V1 && Scores != MctformerScores.ClassTokens)
            yield return new ValidationResult(
                "Version \"v1\" has class tokens alone: scores can only be \"class_tokens\".",
                [nameof(Scores)]
            );
        if (Version == MctformerVersion.Plus)
            yield break;
        if (ContrastLayers is not null || ContrastWeight != PublishedWeight)
            yield return new ValidationResult(
                "Only version \"plus\" contrasts class tokens.",
                [ContrastLayers is null ? nameof(ContrastWeight) : nameof(ContrastLayers)]
            );
        if (Decay != PublishedDecay)
            yield return new ValidationResult("Only version \"plus\" pools by rank.", [nameof(Decay)]);
    }
}
