namespace Tessera.Models.Attention;

/// <summary>Which attention a stage of a transformer takes: the config's, or the network's own.</summary>
internal static class AttentionChoice
{
    /// <summary>The key that stands for every stage without a key of its own.</summary>
    public const string All = "all";

    /// <param name="spec">From the config; null: the network's own.</param>
    /// <param name="components">Builds what the config names.</param>
    /// <param name="own">The network's own.</param>
    public static Func<AttentionShape, TokenAttention> For(
        ComponentSpec<TokenAttention>? spec,
        ComponentBuilder? components,
        Func<AttentionShape, TokenAttention> own
    ) =>
        spec is null
            ? own
            : shape =>
                (components ?? throw new UserErrorException("An attention of a config's needs a component builder.")).Build(spec, shape);

    /// <summary>As <see cref="For(ComponentSpec{TokenAttention}?, ComponentBuilder?, Func{AttentionShape, TokenAttention})"/>, from a map
    /// with keys "stage1", "stage2" … and "all".</summary>
    /// <param name="stage">From 0.</param>
    public static Func<AttentionShape, TokenAttention> For(
        IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? specs,
        int stage,
        ComponentBuilder? components,
        Func<AttentionShape, TokenAttention> own
    ) => For(specs?.GetValueOrDefault($"stage{stage + 1}") ?? specs?.GetValueOrDefault(All), components, own);
}
