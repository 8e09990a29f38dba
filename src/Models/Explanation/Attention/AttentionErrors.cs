using Tessera.Framework.Models;

namespace Tessera.Models.Explanation.Attention;

/// <summary>The words of what can be wrong with a look at attention.</summary>
internal static class AttentionErrors
{
    public static UserErrorException None(VisionModel model) =>
        new(
            $"{model.GetName()} has no attention whose weights could be seen: none of its layers holds AttentionWeights, as those of "
                + "transformers do. Activation maps explain other networks."
        );

    public static UserErrorException NoGrid(string layer, IReadOnlyList<long> weights) =>
        new(
            $"The attention \"{layer}\" does not say how its tokens lie over the image: it is given no TokenGrid and has no IHasTokenGrid; "
                + $"its weights are [{string.Join(", ", weights)}]."
        );

    public static UserErrorException NoForm(string layer, IReadOnlyList<long> weights, TokenGrid grid) =>
        new(
            $"The attention \"{layer}\" gives weights [{string.Join(", ", weights)}] for {grid.Count} tokens; [B, heads, {grid.Count}, "
                + $"{grid.Count}] was expected. A layer with another form says how it lies by IAttentionMap."
        );

    public static UserErrorException ScoreIgnores(string layer) =>
        new($"The score does not depend on the attention \"{layer}\", so that it has no relevance for it.");

    public static UserErrorException BadThreshold(string given) =>
        new(
            $"\"{given}\" is no threshold of a foreground. \"otsu\", \"mass:SHARE\" with a share above 0 and below 1 (mass:0.6), or a "
                + "value between 0 and 1 of the scaled map (0.5) was expected."
        );
}
