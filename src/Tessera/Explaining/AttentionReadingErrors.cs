using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation.Attention;

namespace Tessera.Explaining;

/// <summary>The words of what can't be seen of a network's attention.</summary>
internal static class AttentionReadingErrors
{
    private const int MostNames = 12;

    public static UserErrorException NotFinite(string image) =>
        new($"{image}: the network's output is not finite, so that its attention says nothing.");

    public static UserErrorException NoBlock(int index, IReadOnlyList<AttentionBlock> blocks) =>
        new(
            $"There is no block {index}: the network has {blocks.Count} attention layers, 0 ({blocks[0].Name}) to {blocks.Count - 1} "
                + $"({blocks[^1].Name})."
        );

    public static UserErrorException NoTarget(string name, DataInfo data) =>
        new(
            $"There is no class or value \"{name}\".{NearestName.Suggest(name, data.Classes)} The model has "
                + string.Join(", ", data.Classes.Take(MostNames))
                + (data.Classes.Count > MostNames ? $" and {data.Classes.Count - MostNames} more." : ".")
        );

    public static UserErrorException WhichValue(DataInfo data) =>
        new($"A regression has no best value: say which of {string.Join(", ", data.Classes.Take(MostNames))} the relevance is for.");
}
