namespace Tessera.Models.Backbones;

/// <summary>Published sizes.</summary>
public enum CrossFormerArch
{
    Tiny,
    Small,
    Base,
    Large,
    PlusSmall,
    PlusBase,
    PlusLarge,
    PlusHuge,
}

/// <summary>Sizes of a <see cref="CrossFormer"/>: its arch's, or as its options have them, checked.</summary>
/// <param name="Width">Of the first stage's tokens.</param>
/// <param name="Depths">Blocks of each stage.</param>
/// <param name="Heads">Of each stage.</param>
/// <param name="Groups">Side of each stage's groups.</param>
/// <param name="Intervals">Of each stage.</param>
/// <param name="Cooling">Whether there are cooling layers.</param>
internal sealed record CrossFormerPlan(int Width, int[] Depths, int[] Heads, int[] Groups, int[] Intervals, bool Cooling)
{
    /// <exception cref="UserErrorException">The options don't fit each other.</exception>
    public static CrossFormerPlan Of(CrossFormerOptions options)
    {
        const string Name = nameof(CrossFormer);
        var usual = Published(options.Arch);
        var depths = options.Depths ?? usual.Depths;
        int[] ForEach(string option, int[]? given, int[] otherwise)
        {
            if (given is null && depths.Length > otherwise.Length)
                throw new UserErrorException($"{Name}: with {depths.Length} stages, say {option} for each.");
            if (given is not null && given.Length != depths.Length)
                throw new UserErrorException($"{Name}: {option} has {given.Length} values, but depths {depths.Length}.");
            return given ?? otherwise[..depths.Length];
        }
        var plan = new CrossFormerPlan(
            options.EmbedDim ?? usual.Width,
            depths,
            ForEach("num_heads", options.NumHeads, usual.Heads),
            ForEach("group_sizes", options.GroupSizes, usual.Groups),
            ForEach("intervals", options.Intervals, usual.Intervals),
            options.CoolingLayers ?? usual.Cooling
        );
        StageOptions.Positive(
            Name,
            ("depths", plan.Depths),
            ("num_heads", plan.Heads),
            ("group_sizes", plan.Groups),
            ("intervals", plan.Intervals)
        );
        StageOptions.AttentionKeys(Name, options.Attention?.Keys, depths.Length);
        CrossScale.Check(Name, "patch_sizes", options.PatchSizes ?? DefaultPatches, (options.PatchSizes ?? DefaultPatches)[0], plan.Width);
        CrossScale.Check(Name, "merge_sizes", options.MergeSizes ?? DefaultMerges, CrossScaleMerging.Stride, 2 * plan.Width);
        return plan;
    }

    /// <summary>Sides of the patches of pixels, as published.</summary>
    public static int[] DefaultPatches => [4, 8, 16, 32];

    /// <summary>Sides of the patches of tokens, as published.</summary>
    public static int[] DefaultMerges => [2, 4];

    /// <summary>Whether a block has a cooling layer: every third of a stage, but not the stage's last.</summary>
    public bool Cools(int stage, int block) => Cooling && (block + 1) % 3 == 0 && block < Depths[stage] - 1;

    private static CrossFormerPlan Published(CrossFormerArch arch)
    {
        int[] sevens = [7, 7, 7, 7],
            eightDown = [8, 4, 2, 1],
            plusGroups = [4, 4, 14, 7],
            plusIntervals = [4, 2, 1, 1];
        return arch switch
        {
            CrossFormerArch.Tiny => new(64, [1, 1, 8, 6], [2, 4, 8, 16], sevens, eightDown, false),
            CrossFormerArch.Small => new(96, [2, 2, 6, 2], [3, 6, 12, 24], sevens, eightDown, false),
            CrossFormerArch.Base => new(96, [2, 2, 18, 2], [3, 6, 12, 24], sevens, eightDown, false),
            CrossFormerArch.Large => new(128, [2, 2, 18, 2], [4, 8, 16, 32], sevens, eightDown, false),
            CrossFormerArch.PlusSmall => new(64, [2, 2, 18, 2], [2, 4, 8, 16], plusGroups, plusIntervals, true),
            CrossFormerArch.PlusBase => new(96, [2, 2, 18, 2], [3, 6, 12, 24], plusGroups, plusIntervals, true),
            CrossFormerArch.PlusLarge => new(128, [2, 2, 18, 2], [4, 8, 16, 32], plusGroups, plusIntervals, true),
            _ => new(128, [6, 6, 18, 2], [4, 8, 16, 32], plusGroups, plusIntervals, true),
        };
    }
}
