namespace Tessera.Models.TaskModels;

/// <summary>How queries are held against masks, in pairing them and in the losses of each block.</summary>
/// <param name="ClassWeight">Of the classes, in the cost of a pair and in the loss.</param>
/// <param name="MaskWeight">Of the cross entropy of mask and background, likewise.</param>
/// <param name="DiceWeight">Of Dice, likewise.</param>
/// <param name="NoObjectWeight">Weight of "no object" in the class loss, in which classes have 1.</param>
/// <param name="NumPoints">Points of a mask that are looked at.</param>
/// <param name="OversampleRatio">How many times as many are drawn to choose from.</param>
/// <param name="ImportanceSampleRatio">The share that is chosen where the mask is least sure; the others lie anywhere.</param>
public sealed record MaskLossOptions(
    [property: Range(0, 1e6)] double ClassWeight = 2,
    [property: Range(0, 1e6)] double MaskWeight = 5,
    [property: Range(0, 1e6)] double DiceWeight = 5,
    [property: Range(0, 1e6)] double NoObjectWeight = 0.1,
    [property: Range(1, 1_000_000)] int NumPoints = 12_544,
    [property: Range(1.0, 100.0)] double OversampleRatio = 3,
    [property: Range(0.0, 1.0)] double ImportanceSampleRatio = 0.75
)
{
    /// <exception cref="UserErrorException">All weights are 0.</exception>
    internal MaskLossOptions Checked(string model) =>
        ClassWeight + MaskWeight + DiceWeight > 0
            ? this
            : throw new UserErrorException(
                $"{model}: loss has no weight above 0; one of class_weight, mask_weight and dice_weight must tell pairs apart."
            );
}
