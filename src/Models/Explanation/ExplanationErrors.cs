using Tessera.Framework.Models;

namespace Tessera.Models.Explanation;

/// <summary>The words of what can be wrong with an explanation.</summary>
internal static class ExplanationErrors
{
    public static UserErrorException NotExplainable(VisionModel model) =>
        new($"{model.GetName()} can't be explained: it does not say what it decides by (IExplainable).");

    public static UserErrorException NoLayer(VisionModel model, string name) =>
        new(
            $"{model.GetName()} has no layer \"{name}\" whose output could be opened."
                + NearestName.Suggest(name, model.TapNames().Where(known => known.Length > 0))
        );

    public static UserErrorException ZeroGradient(string layer) =>
        new(
            $"The layer \"{layer}\" can't explain: the score does not change with any place of its map (all gradients are zero). Behind the "
                + "last attention of a transformer with a class token, patches no longer reach the score: take the norm before it, or \"auto\"."
        );

    public static UserErrorException ScoreIgnoresLayer(string layer) =>
        new($"The layer \"{layer}\" can't explain: the score does not depend on what it gives.");

    public static UserErrorException NotAMap(string layer, IReadOnlyList<long> shape) =>
        new(
            $"The layer \"{layer}\" gives [{string.Join(", ", shape)}], which is no map of the image: [B, C, H, W] with more than one place, or "
                + "tokens [B, N, C] that lie on a grid, were expected."
        );

    public static UserErrorException NoMap(VisionModel model) =>
        new(
            $"{model.GetName()} has no layer that could explain its scores: none gives a map of the image with more than one place and a "
                + "gradient that isn't zero."
        );
}
