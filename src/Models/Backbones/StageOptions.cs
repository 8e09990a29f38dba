using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>Options that a backbone of several stages has for each of them, checked.</summary>
internal static class StageOptions
{
    /// <summary>A value for each stage: as given, or the usual ones.</summary>
    /// <param name="name">The backbone's, for messages.</param>
    /// <exception cref="UserErrorException">They don't fit.</exception>
    public static T[] Of<T>(string name, string option, T[]? given, T[] otherwise, int count)
    {
        if (given is not null && given.Length != count)
            throw new UserErrorException($"{name}: {option} has {given.Length} values, but embed_dims {count}.");
        if (given is null && otherwise.Length != count)
            throw new UserErrorException($"{name}: with {count} stages, say {option} for each.");
        return given ?? otherwise;
    }

    /// <summary>Whether all values lie in 1 .. 65536.</summary>
    /// <param name="name">The backbone's, for messages.</param>
    /// <exception cref="UserErrorException">They don't fit.</exception>
    public static void Positive(string name, params (string Option, int[] Values)[] lists)
    {
        foreach (var (option, values) in lists)
            if (values.Any(value => value is < 1 or > 65536))
                throw new UserErrorException($"{name}: {option} must be positive, not [{string.Join(", ", values)}].");
    }

    /// <summary>The stages whose maps are given; by default all.</summary>
    /// <param name="name">The backbone's, for messages.</param>
    /// <exception cref="UserErrorException">They don't fit.</exception>
    public static int[] Indices(string name, int[]? given, int count) =>
        Backbones.OutIndices.Checked(name, given ?? [.. Enumerable.Range(0, count)], count);

    /// <summary>Whether an option "attention" names stages that there are.</summary>
    /// <param name="name">The backbone's, for messages.</param>
    /// <exception cref="UserErrorException">They don't fit.</exception>
    public static void AttentionKeys(string name, IEnumerable<string>? keys, int count)
    {
        string[] known = [.. Enumerable.Range(1, count).Select(stage => $"stage{stage}"), Attention.AttentionChoice.All];
        if (keys?.FirstOrDefault(key => !known.Contains(key)) is { } unknown)
            throw new UserErrorException($"{name}: attention has no \"{unknown}\"; it takes {string.Join(", ", known)}.");
    }

    /// <summary>Parameters of a backbone with "layers" of "blocks": a stage's "downsample" goes with its last block.</summary>
    /// <param name="stem">Names of what lies before the stages.</param>
    /// <param name="depths">Blocks of each stage.</param>
    public static ParameterLayers ByDepth(string[] stem, int[] depths) =>
        new(
            stem,
            [
                .. depths.SelectMany(
                    (depth, stage) =>
                        Enumerable
                            .Range(0, depth)
                            .Select(block =>
                                block == depth - 1
                                    ? new[] { $"layers.{stage}.blocks.{block}", $"layers.{stage}.downsample" }
                                    : [$"layers.{stage}.blocks.{block}"]
                            )
                ),
            ]
        );
}
