using Tessera.Framework.Models;
using Tessera.Models.Attention;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes.</summary>
public enum SwinArch
{
    Tiny,
    Small,
    Base,
    Large,
}

/// <param name="Arch">Width, blocks and heads as published: tiny 96 wide (2, 2, 6, 2), small 96 (2, 2, 18, 2), base 128 (2, 2, 18, 2),
/// large 192 (2, 2, 18, 2).</param>
/// <param name="EmbedDim">Width of the first stage's tokens, doubled by every stage; instead of the arch's.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads of each stage, instead of the arch's.</param>
/// <param name="WindowSize">Side of a window.</param>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's.</param>
/// <param name="PatchNorm">Whether the patches are normed.</param>
/// <param name="Attention">Who attends whom, by stage: "stage1", "stage2" …, or "all"; windows by default, shifted in every second
/// block.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="WindowPadding">What a grid that the window does not divide is filled up with: "attended", "attended_after_shift" or
/// "masked".</param>
public sealed record SwinTransformerOptions(
    SwinArch Arch = SwinArch.Tiny,
    [property: Range(1, 4096)] int? EmbedDim = null,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? NumHeads = null,
    [property: Range(1, 1024)] int WindowSize = 7,
    [property: Range(1, 256)] int PatchSize = 4,
    [property: Range(0.01, 64)] double MlpRatio = 4,
    bool PatchNorm = true,
    IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention = null,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0,
    [property: EarlierDefault(WindowPadding.Masked)] WindowPadding WindowPadding = WindowPadding.Attended
);

/// <summary>A transformer with attention in windows that are shifted by turns, and stages that halve the grid.</summary>
/// <remarks>
/// Liu et al., "Swin Transformer", 2021, arXiv:2103.14030. Parameter names are microsoft/Swin-Transformer's; with several
/// maps, each has a norm of its own (norm0 … norm3) as in detection. Images of any size are met by padding.
/// </remarks>
[Component("SwinTransformer")]
public sealed class SwinTransformer : SwinBackbone
{
    public SwinTransformer(SwinTransformerOptions options, ComponentBuilder? components = null)
        : base(PlanOf(options), components) { }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => SwinKeys.Maps(LastStage, HasPlainNorm);

    /// <summary>The biases of windows of another size are resized.</summary>
    public override Tensor Fit(string key, Tensor stored)
    {
        if (!key.EndsWith("relative_position_bias_table", StringComparison.Ordinal) || stored.dim() != 2)
            return stored;
        var wanted = named_parameters().FirstOrDefault(p => p.name == key).parameter?.shape;
        var (from, to) = ((int)Math.Round(Math.Sqrt(stored.shape[0])), wanted is null ? 0 : (int)Math.Round(Math.Sqrt(wanted[0])));
        if (wanted is null || wanted[0] == stored.shape[0] || from * from != stored.shape[0] || to * to != wanted[0])
            return stored;
        using var scope = NewDisposeScope();
        var grid = stored.to(ScalarType.Float32).t().reshape(1, -1, from, from);
        grid = functional.interpolate(grid, size: [to, to], mode: InterpolationMode.Bicubic, align_corners: false);
        return scope.MoveToOuter(grid.reshape(-1, to * to).t().contiguous().to(stored.dtype));
    }

    private static SwinPlan PlanOf(SwinTransformerOptions options)
    {
        var (width, depths, heads) = SwinPlan.Sizes(
            nameof(SwinTransformer),
            options.Arch,
            options.EmbedDim,
            options.Depths,
            options.NumHeads
        );
        return new SwinPlan(nameof(SwinTransformer), width, depths, heads)
        {
            PatchSize = options.PatchSize,
            PatchNorm = options.PatchNorm,
            InChannels = options.InChannels,
            OutIndices = StageOptions.Indices(nameof(SwinTransformer), options.OutIndices, depths.Length),
            Attention = options.Attention,
            Shape = new AttentionShape(1, 1, 0, options.QkvBias, options.AttentionDropout, options.Dropout),
            DropPath = options.DropPath,
            Own = (_, shape) => new WindowAttention(new WindowAttentionOptions(options.WindowSize, Padding: options.WindowPadding), shape),
            Block = (attention, channels, dropPath) => new PreNormBlock(attention, channels, options.MlpRatio, options.Dropout, dropPath),
        };
    }
}
