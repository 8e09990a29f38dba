using Tessera.Framework.Models;
using Tessera.Models.Attention;
using static TorchSharp.torch;

namespace Tessera.Models.Backbones;

/// <param name="Arch">Width, blocks and heads as published: tiny 96 wide (2, 2, 6, 2), small 96 (2, 2, 18, 2), base 128 (2, 2, 18, 2),
/// large 192 (2, 2, 18, 2).</param>
/// <param name="EmbedDim">Width of the first stage's tokens, doubled by every stage; instead of the arch's.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads of each stage, instead of the arch's.</param>
/// <param name="WindowSize">Side of a window.</param>
/// <param name="ImageSize">Images at which no window may be larger than a stage's grid, as in the authors' networks; unset: windows
/// are of one size, as in torchvision. Images of other sizes are met by padding.</param>
/// <param name="PretrainedWindowSizes">Side of each stage's windows in the training that weights come from, so that the biases of
/// larger windows continue the old ones.</param>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's.</param>
/// <param name="PatchNorm">Whether the patches are normed.</param>
/// <param name="Attention">Who attends whom, by stage: "stage1", "stage2" …, or "all"; by default windows with cosine attention, shifted in
/// every second block.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</param>
/// <param name="QkvBias">Whether queries and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="WindowPadding">What a grid that the window does not divide is filled up with: "attended" (torchvision),
/// "attended_after_shift" (timm) or "masked".</param>
public sealed record SwinTransformerV2Options(
    SwinArch Arch = SwinArch.Tiny,
    [property: Range(1, 4096)] int? EmbedDim = null,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? NumHeads = null,
    [property: Range(1, 1024)] int WindowSize = 8,
    HeightWidth? ImageSize = null,
    [property: MinLength(1)] int[]? PretrainedWindowSizes = null,
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
    WindowPadding WindowPadding = WindowPadding.Attended
);

/// <summary>
/// Swin Transformer whose attention compares by cosine, whose biases are given by a network for any distance, and whose branches are normed
/// last, so that it can be trained at one size and used at a larger one.
/// </summary>
/// <remarks>Liu et al., "Swin Transformer V2: Scaling Up Capacity and Resolution", 2022, arXiv:2111.09883. Blocks start as nothing (their
/// norms' weights are 0), as the authors have it.</remarks>
[Component("SwinTransformerV2")]
public sealed class SwinTransformerV2 : SwinBackbone
{
    private const string Name = nameof(SwinTransformerV2);

    public SwinTransformerV2(SwinTransformerV2Options options, ComponentBuilder? components = null)
        : base(PlanOf(options), components)
    {
        foreach (var block in modules().OfType<ResPostNormBlock>())
            block.StartFromZero();
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => SwinKeys.MapsOfV2(LastStage, HasPlainNorm);

    private static SwinPlan PlanOf(SwinTransformerV2Options options)
    {
        var (width, depths, heads) = SwinPlan.Sizes(Name, options.Arch, options.EmbedDim, options.Depths, options.NumHeads);
        var pretrained = options.PretrainedWindowSizes;
        if (pretrained is not null && pretrained.Length != depths.Length)
            throw new UserErrorException($"{Name}: pretrained_window_sizes has {pretrained.Length} values, but depths {depths.Length}.");
        if (pretrained is not null)
            StageOptions.Positive(Name, ("pretrained_window_sizes", pretrained));
        return new SwinPlan(Name, width, depths, heads)
        {
            PatchSize = options.PatchSize,
            PatchNorm = options.PatchNorm,
            InChannels = options.InChannels,
            OutIndices = StageOptions.Indices(Name, options.OutIndices, depths.Length),
            Attention = options.Attention,
            Shape = new AttentionShape(1, 1, 0, options.QkvBias, options.AttentionDropout, options.Dropout, Layout: QkvLayout.NoKeyBias),
            DropPath = options.DropPath,
            Own = (stage, shape) =>
                new CosineWindowAttention(Window(options, stage), pretrained?[stage] ?? 0, options.WindowPadding, shape),
            Block = (attention, channels, dropPath) =>
                new ResPostNormBlock(attention, channels, options.MlpRatio, options.Dropout, dropPath),
            MergeNormsLast = true,
        };
    }

    private static (int, int) Window(SwinTransformerV2Options options, int stage)
    {
        if (options.ImageSize is not { } image)
            return (options.WindowSize, options.WindowSize);
        var stride = options.PatchSize << stage;
        return (Side(image.Height), Side(image.Width));

        int Side(int length) => Math.Min(options.WindowSize, Math.Max(1, (length + stride - 1) / stride));
    }
}
