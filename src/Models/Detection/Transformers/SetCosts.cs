namespace Tessera.Models.Detection.Transformers;

/// <summary>What it costs to have a query find a box, by parts.</summary>
/// <param name="Class">Weight of the class's probability.</param>
/// <param name="L1">Weight of the absolute difference of centres and sides, relative to the image's.</param>
/// <param name="Giou">Weight of the generalised IoU.</param>
public sealed record SetCosts(
    [property: Range(0, 1e6)] double Class = 1,
    [property: Range(0, 1e6)] double L1 = 5,
    [property: Range(0, 1e6)] double Giou = 2
)
{
    /// <exception cref="UserErrorException">All are 0.</exception>
    internal SetCosts Checked(string model) =>
        Class + L1 + Giou > 0
            ? this
            : throw new UserErrorException($"{model}: set_cost has nothing but zeros; one of class, l1 and giou must tell pairs apart.");
}

/// <summary>Weights of the losses of each decoder layer.</summary>
/// <param name="Class">Of the classes.</param>
/// <param name="L1">Of the absolute difference of centres and sides, relative to the image's.</param>
/// <param name="Giou">Of 1 less the generalised IoU.</param>
public sealed record SetLossWeights(
    [property: Range(0, 1e6)] double Class = 1,
    [property: Range(0, 1e6)] double L1 = 5,
    [property: Range(0, 1e6)] double Giou = 2
);
