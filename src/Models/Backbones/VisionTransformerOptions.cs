using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes of the transformer: width, depth, heads.</summary>
public enum VisionTransformerArch
{
    Tiny,
    Small,
    Base,
    Large,
    Huge,
    Giant,
}

/// <summary>What the transformer gives.</summary>
public enum TokenFeatures
{
    /// <summary>The class token after the last norm, [B, C].</summary>
    ClsToken,

    /// <summary>The mean of the patch tokens, normed, [B, C].</summary>
    Average,

    /// <summary>Patch tokens of chosen blocks, laid out as maps, [B, C, ⌈H / patch⌉, ⌈W / patch⌉]; the image is padded with zeros to whole
    /// patches.</summary>
    Maps,

    /// <summary>What a learned query attends among all normed tokens, [B, C]; of <see cref="VisionTransformer"/> alone.</summary>
    AttentionPool,
}

/// <summary>Which tokens the learned positions are added to.</summary>
public enum PositionTokens
{
    /// <summary>All: class token, registers and patches.</summary>
    All,

    /// <summary>Class token and patches, not the registers: the authors of DINOv2.</summary>
    Class,

    /// <summary>Patches alone, timm's "no_embed_class": DeiT III, and DINOv2 with registers in timm's form.</summary>
    Patches,
}

/// <summary>What a block's MLP is.</summary>
public enum MlpType
{
    /// <summary>Two linear layers.</summary>
    Mlp,

    /// <summary>SwiGLU with one layer for both factors: DINOv2's giant, EVA-02's tiny and small.</summary>
    SwigluPacked,

    /// <summary>SwiGLU with a layer for each factor: EVA-02's base.</summary>
    Swiglu,
}

/// <summary>How the positional embeddings start; they are learned from there.</summary>
public enum PositionStart
{
    /// <summary>A normal of deviation 0.02.</summary>
    Normal,

    /// <summary>Sines and cosines of row and column.</summary>
    SinCos,
}

/// <summary>How the attention's weights start.</summary>
public enum AttentionStart
{
    /// <summary>A normal of deviation 0.02.</summary>
    Normal,

    /// <summary>Like a trained network's: Trockman and Kolter, 2023, arXiv:2305.09828. For training from scratch on small data.</summary>
    Mimetic,
}

/// <param name="Arch">Width, depth and heads as published: tiny 192/12/3, small 384/12/6, base 768/12/12, large 1024/24/16, huge
/// 1280/32/16, giant 1536/40/24.</param>
/// <param name="ImageSize">Image size that the positional embeddings are made for; others are met by resizing them.</param>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="EmbedDim">Width of a token, instead of the arch's.</param>
/// <param name="Depth">Number of blocks, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads, instead of the arch's.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="Features">What comes out: the class token, the average of the patch tokens, or maps for dense prediction.</param>
/// <param name="OutIndices">For maps: the blocks whose tokens are given, from 0; by default the last. Blocks after them are not
/// built.</param>
/// <param name="ClassToken">Whether there is a class token among the tokens.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="LayerScale">Initial factor of every residual branch, learned per channel; none by default.</param>
/// <param name="PositionStart">How the positional embeddings start: "normal" or "sin_cos".</param>
/// <param name="AttentionStart">How the attention's weights start: "normal" or "mimetic", which learns faster from small data.</param>
/// <param name="Attention">Who attends whom; everyone everyone by default.</param>
/// <param name="GiveClassToken">For maps: the class token after the last norm is given, too, after the maps.</param>
/// <param name="PositionAntialias">Positional embeddings are resized with antialiasing where images have another size; false repeats
/// networks that were trained without.</param>
/// <param name="RegTokens">Registers: further learned tokens behind the class token, which come to nothing in the end.</param>
/// <param name="AbsolutePositions">Whether learned positions are added to the tokens.</param>
/// <param name="PositionTokens">Which tokens they are added to: "all", "class" (and patches, not registers) or "patches".</param>
/// <param name="Rotary">Queries and keys are turned by their positions in every block; not by default.</param>
/// <param name="QkvLayout">Layers of queries, keys and values: "fused", "no_key_bias" or "separate".</param>
/// <param name="MlpType">What a block's MLP is: "mlp", "swiglu_packed" or "swiglu". mlp_ratio gives the width of the product.</param>
/// <param name="MlpNorm">Whether SwiGLU's product is normed.</param>
/// <param name="MlpActivation">Between an MLP's layers: "gelu" or "quick_gelu".</param>
/// <param name="NormEps">Added to the variance in all norms.</param>
/// <param name="PreNorm">Whether tokens are normed before the first block, as CLIP has it; patches then have no bias.</param>
/// <param name="FcNorm">Whether the last norm stands behind the pooling, not before; by default so for "average" alone.</param>
public sealed record VisionTransformerOptions(
    VisionTransformerArch Arch = VisionTransformerArch.Base,
    HeightWidth? ImageSize = null,
    [property: Range(1, 256)] int PatchSize = 16,
    [property: Range(1, 16384)] int? EmbedDim = null,
    [property: Range(1, 1024)] int? Depth = null,
    [property: Range(1, 1024)] int? NumHeads = null,
    [property: Range(0.01, 64)] double MlpRatio = 4,
    [property: Range(1, 1024)] int InChannels = 3,
    TokenFeatures Features = TokenFeatures.ClsToken,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool ClassToken = true,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0,
    [property: Range(0, 10)] double? LayerScale = null,
    PositionStart PositionStart = PositionStart.Normal,
    AttentionStart AttentionStart = AttentionStart.Normal,
    ComponentSpec<TokenAttention>? Attention = null,
    bool GiveClassToken = false,
    bool PositionAntialias = true,
    [property: Range(0, 1024)] int RegTokens = 0,
    bool AbsolutePositions = true,
    PositionTokens PositionTokens = PositionTokens.All,
    RotaryOptions? Rotary = null,
    QkvLayout QkvLayout = QkvLayout.Fused,
    MlpType MlpType = MlpType.Mlp,
    bool MlpNorm = false,
    MlpActivation MlpActivation = MlpActivation.Gelu,
    [property: Range(0, 0.1)] double NormEps = 1e-6,
    bool PreNorm = false,
    bool? FcNorm = null
);
