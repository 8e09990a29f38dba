using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Sizes and parts of a <see cref="SwinBackbone"/>.</summary>
/// <param name="Name">The backbone's, for messages.</param>
/// <param name="Width">Of the first stage's tokens, doubled by every stage.</param>
/// <param name="Depths">Blocks of each stage.</param>
/// <param name="Heads">Attention heads of each stage.</param>
internal sealed record SwinPlan(string Name, int Width, int[] Depths, int[] Heads)
{
    public required int PatchSize { get; init; }

    public required bool PatchNorm { get; init; }

    public required int InChannels { get; init; }

    public required int[] OutIndices { get; init; }

    public required IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention { get; init; }

    /// <summary>What all attention layers are told; channels, heads and blocks are filled in.</summary>
    public required AttentionShape Shape { get; init; }

    public required double DropPath { get; init; }

    /// <summary>Attention of a stage (from 0) where the config names none.</summary>
    public required Func<int, AttentionShape, TokenAttention> Own { get; init; }

    /// <summary>A block of an attention, of a width and of a rate of stochastic depth.</summary>
    public required Func<TokenAttention, int, double, Module<Tensor, TokenGrid, Tensor>> Block { get; init; }

    /// <summary>Whether the merging of patches norms its result, not what it takes.</summary>
    public bool MergeNormsLast { get; init; }

    /// <summary>Stages that are built: up to the last whose map is given.</summary>
    public int Built => OutIndices[^1] + 1;

    /// <summary>Width, blocks and heads, as published or as given.</summary>
    /// <exception cref="UserErrorException">They don't go together.</exception>
    public static (int Width, int[] Depths, int[] Heads) Sizes(
        string name,
        SwinArch arch,
        int? embedDim,
        int[]? givenDepths,
        int[]? numHeads
    )
    {
        var (width, depths, heads) = arch switch
        {
            SwinArch.Tiny => (96, new[] { 2, 2, 6, 2 }, new[] { 3, 6, 12, 24 }),
            SwinArch.Small => (96, [2, 2, 18, 2], [3, 6, 12, 24]),
            SwinArch.Base => (128, [2, 2, 18, 2], [4, 8, 16, 32]),
            _ => (192, [2, 2, 18, 2], [6, 12, 24, 48]),
        };
        depths = givenDepths ?? depths;
        if (numHeads is null && depths.Length > heads.Length)
            throw new UserErrorException($"{name}: with {depths.Length} stages, say num_heads for each.");
        heads = numHeads ?? heads[..depths.Length];
        if (heads.Length != depths.Length)
            throw new UserErrorException($"{name}: num_heads has {heads.Length} values, but depths {depths.Length}.");
        StageOptions.Positive(name, ("depths", depths), ("num_heads", heads));
        return (embedDim ?? width, depths, heads);
    }
}
