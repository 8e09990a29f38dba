namespace Tessera.Models.Backbones;

/// <summary>Which stages or blocks of a backbone give maps.</summary>
internal static class OutIndices
{
    /// <param name="backbone">Its name, for the message.</param>
    /// <param name="indices">As the config has them.</param>
    /// <param name="count">How many there are.</param>
    /// <returns>The indices themselves.</returns>
    /// <exception cref="UserErrorException">There is none, they don't rise, or one is outside.</exception>
    public static int[] Checked(string backbone, int[] indices, int count) =>
        indices.Length > 0 && indices.All(i => i >= 0 && i < count) && indices.SequenceEqual(indices.Distinct().Order())
            ? indices
            : throw new UserErrorException(
                $"{backbone}: out_indices must rise and lie in 0 .. {count - 1}, not [{string.Join(", ", indices)}]."
            );

    /// <summary>Those of a transformer, which gives maps only when asked to; its last block by default.</summary>
    public static int[] OfBlocks(string backbone, int[]? indices, TokenFeatures features, int depth) =>
        indices is null ? [depth - 1]
        : features == TokenFeatures.Maps ? Checked(backbone, indices, depth)
        : throw new UserErrorException($"{backbone}: out_indices belongs to features \"maps\".");

    /// <exception cref="UserErrorException">The features are pooled by an attention, which the backbone doesn't have.</exception>
    public static void RequireNoAttentionPool(string backbone, TokenFeatures features)
    {
        if (features == TokenFeatures.AttentionPool)
            throw new UserErrorException($"{backbone} has no features \"attention_pool\"; VisionTransformer has.");
    }
}
