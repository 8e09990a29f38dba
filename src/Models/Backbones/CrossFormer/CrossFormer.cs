using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <param name="Arch">Width, blocks, heads, groups and intervals as published: tiny 64 wide (1, 1, 8, 6), small 96 (2, 2, 6, 2), base 96
/// (2, 2, 18, 2), large 128 (2, 2, 18, 2), with groups of 7 and intervals 8, 4, 2, 1; CrossFormer++ as "plus_small" (64 wide), "plus_base"
/// (96), "plus_large" (128), each (2, 2, 18, 2), and "plus_huge" 128 (6, 6, 18, 2), with groups of 4, 4, 14, 7, intervals 4, 2, 1, 1 and
/// cooling layers.</param>
/// <param name="EmbedDim">Width of the first stage's tokens, doubled by every stage; instead of the arch's.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads of each stage, instead of the arch's.</param>
/// <param name="GroupSizes">Side of a group of tokens that attend each other, for each stage, instead of the arch's.</param>
/// <param name="Intervals">Step between the tokens of a long-distance group, for each stage, instead of the arch's.</param>
/// <param name="SmallGrid">How a grid is grouped whose shorter side is no longer than a group's: "whole", or "square" as in the authors'
/// classifiers. The same for square images.</param>
/// <param name="CoolingLayers">Whether every third block of a stage, but its last, ends in a depthwise convolution and a norm (amplitude
/// cooling); instead of the arch's.</param>
/// <param name="PatchSizes">Sides in pixels of the patches that make a token, the first being the stride; [4, 8, 16, 32] by
/// default.</param>
/// <param name="MergeSizes">Sides of the patches of tokens that make a token of the next stage. [2, 4] by default.</param>
/// <param name="PatchNorm">Whether the patches are normed.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's.</param>
/// <param name="Attention">Who attends whom, by stage: "stage1", "stage2" …, or "all"; by default LongShortDistanceAttention, near in even
/// blocks and far in odd ones.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
public sealed record CrossFormerOptions(
    CrossFormerArch Arch = CrossFormerArch.Tiny,
    [property: Range(1, 4096)] int? EmbedDim = null,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? NumHeads = null,
    [property: MinLength(1)] int[]? GroupSizes = null,
    [property: MinLength(1)] int[]? Intervals = null,
    SmallGridGroups SmallGrid = SmallGridGroups.Whole,
    bool? CoolingLayers = null,
    [property: MinLength(1)] int[]? PatchSizes = null,
    [property: MinLength(1)] int[]? MergeSizes = null,
    bool PatchNorm = true,
    [property: Range(0.01, 64)] double MlpRatio = 4,
    IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention = null,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0
);

/// <summary>
/// A transformer whose tokens are made of patches of several sizes, and which attends near and far away tokens by turns. Stages halve the
/// grid.
/// </summary>
/// <remarks>
/// Wang et al., "CrossFormer: A Versatile Vision Transformer Hinging on Cross-scale Attention", 2021, arXiv:2108.00154, and
/// "CrossFormer++", 2023, arXiv:2303.06908. Parameter names are cheerss/CrossFormer's; as there, the last norm belongs to the classifier
/// alone (one map, of the last stage), and pyramids have none. Images of any size are met by padding, where the authors' code leaves pixels
/// out or stops.
/// </remarks>
[Component("CrossFormer")]
public sealed class CrossFormer : Backbone
{
    private readonly CrossScaleEmbedding patch_embed;
    private readonly ModuleList<CrossFormerStage> layers = new();
    private readonly LayerNorm? norm;
    private readonly double _dropout;
    private readonly int[] _outIndices;
    private readonly int[] _depths;

    public CrossFormer(CrossFormerOptions options, ComponentBuilder? components = null)
        : base(nameof(CrossFormer))
    {
        var plan = CrossFormerPlan.Of(options);
        _dropout = options.Dropout;
        _outIndices = StageOptions.Indices(nameof(CrossFormer), options.OutIndices, plan.Depths.Length);
        var built = _outIndices[^1] + 1;
        _depths = plan.Depths[..built];
        int[] patches = options.PatchSizes ?? CrossFormerPlan.DefaultPatches,
            merges = options.MergeSizes ?? CrossFormerPlan.DefaultMerges;
        var rates = Layers.DropPath.Linear(options.DropPath, plan.Depths.Sum());

        patch_embed = new CrossScaleEmbedding(patches, options.InChannels, plan.Width, options.PatchNorm);
        for (var stage = 0; stage < built; stage++)
        {
            var (channels, first) = (plan.Width << stage, plan.Depths[..stage].Sum());
            var own = new LongShortDistanceAttentionOptions(plan.Groups[stage], plan.Intervals[stage], SmallGrid: options.SmallGrid);
            var choose = AttentionChoice.For(options.Attention, stage, components, shape => new LongShortDistanceAttention(own, shape));
            PreNormBlock Block(int i)
            {
                var shape = new AttentionShape(channels, plan.Heads[stage], i, options.QkvBias, options.AttentionDropout, options.Dropout);
                return new PreNormBlock(choose(shape), channels, options.MlpRatio, options.Dropout, rates[first + i], plan.Cools(stage, i));
            }
            var blocks = Enumerable.Range(0, plan.Depths[stage]).Select(Block).ToArray();
            layers.Add(new CrossFormerStage(blocks, stage < built - 1 ? new CrossScaleMerging(merges, channels) : null));
        }
        var classifies = _outIndices.Length == 1 && built == plan.Depths.Length;
        norm = classifies ? LayerNorm(plan.Width << (built - 1)) : null;
        RegisterComponents();

        OutChannels = [.. _outIndices.Select(i => plan.Width << i)];
        OutStrides = [.. _outIndices.Select(i => patches[0] << i)];
        Weights.Transformer(this);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => CrossFormerKeys.Maps(norm is not null);

    /// <summary>The convolutions of all sizes of patches.</summary>
    public override IReadOnlyList<StemTensor> StemTensors =>
        [
            .. named_parameters()
                .Where(parameter => parameter.name.StartsWith("patch_embed.projs.", StringComparison.Ordinal))
                .Where(parameter => parameter.parameter.dim() == 4)
                .Select(parameter => new StemTensor(parameter.name)),
        ];

    /// <summary>A stage's merging of patches goes with its last block.</summary>
    public override ParameterLayers LayersByDepth => StageOptions.ByDepth([nameof(patch_embed)], _depths);

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Maps [B, C, ⌈H / stride⌉, ⌈W / stride⌉] of the stages asked for; normed where it is the last stage's alone.</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = patch_embed.call(images);
        if (_dropout > 0)
            map = functional.dropout(map, _dropout, training);
        var maps = new List<Tensor>();
        for (var i = 0; i < layers.Count; i++)
        {
            var grid = new TokenGrid((int)map.shape[2], (int)map.shape[3]);
            var x = map.flatten(2).transpose(1, 2); // [B, N, C]
            foreach (var block in layers[i].Blocks)
                x = block.call(x, grid);
            if (norm is not null && i == layers.Count - 1)
                x = norm.Normed(x);
            map = TokenAttention.ToMap(x, grid);
            if (_outIndices.Contains(i))
                maps.Add(map);
            if (layers[i].Downsample is { } merge)
                map = merge.call(map);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}
