using Tessera.Models.TaskModels.Segmentation;

namespace Tessera.Models.TaskModels;

/// <param name="Scales">Sizes in which the image is shown, relative to what the pipeline gives; their probabilities are averaged.</param>
/// <param name="Weights">Weight of each scale; equal by default.</param>
/// <param name="Flip">Show each scale mirrored, too.</param>
/// <param name="FlipDirections">What is mirrored where flip is set: "horizontal", "vertical".</param>
public sealed record ClassifierTestOptions(
    [property: MinLength(1)] double[]? Scales = null,
    [property: MinLength(1)] double[]? Weights = null,
    bool Flip = false,
    [property: MinLength(1)] MirrorDirection[]? FlipDirections = null
);

/// <param name="Test">How images are shown to the network when they are predicted.</param>
public sealed record ImageClassifierOptions(ClassifierTestOptions? Test = null);
