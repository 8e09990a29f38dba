using System.Globalization;
using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes: the number of blocks.</summary>
public enum PvtArch
{
    Tiny,
    Small,
    Medium,
    Large,
}

/// <param name="Arch">Blocks of each stage as published: tiny 2, 2, 2, 2; small 3, 4, 6, 3; medium 3, 4, 18, 3; large 3, 8, 27, 3.</param>
/// <param name="ImageSize">Image size that the positional embeddings are made for; others are met by resizing them.</param>
/// <param name="EmbedDims">Width of each stage's tokens; 64, 128, 320, 512 by default. As many as there are stages.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads of each stage; 1, 2, 5, 8 by default.</param>
/// <param name="MlpRatios">Hidden width of each stage's MLPs relative to a token's; 8, 8, 4, 4 by default.</param>
/// <param name="SrRatios">Spatial reduction of each stage's attention; 8, 4, 2, 1 by default, and 1 is full attention.</param>
/// <param name="PatchSizes">Side of each stage's patches, and their stride; 4, 2, 2, 2 by default.</param>
/// <param name="Patches">How a stage after the first embeds patches: "convolution", or "merge" (reshape and linear).</param>
/// <param name="Pyramid">Strides of the maps given, where these are to be coarser than the stages': dilated 2x2 convolutions make
/// them.</param>
/// <param name="Attention">Who attends whom, by stage: "stage1", "stage2" …, or "all"; spatial reduction by default.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="Features">What comes out: maps; or a vector, from a class token in the last stage or as the average of its tokens.</param>
/// <param name="OutIndices">For maps: the stages whose maps are given, from 0; all by default. Stages after the last of them are not
/// built.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
public sealed record PyramidVisionTransformerOptions(
    PvtArch Arch = PvtArch.Tiny,
    HeightWidth? ImageSize = null,
    [property: MinLength(1)] int[]? EmbedDims = null,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? NumHeads = null,
    [property: MinLength(1)] double[]? MlpRatios = null,
    [property: MinLength(1)] int[]? SrRatios = null,
    [property: MinLength(1)] int[]? PatchSizes = null,
    PatchKind Patches = PatchKind.Convolution,
    [property: MinLength(1)] int[]? Pyramid = null,
    IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention = null,
    [property: Range(1, 1024)] int InChannels = 3,
    TokenFeatures Features = TokenFeatures.Maps,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0
);

/// <summary>A transformer whose stages shrink the grid of tokens, with attention to a reduced grid.</summary>
/// <remarks>
/// Wang et al., "Pyramid Vision Transformer", 2021, arXiv:2102.12122. Parameter names are those of whai362/PVT. Without a
/// class token (maps) there is no last norm, as in its detection code. Positional embeddings are resized bilinearly.
/// </remarks>
[Component("PyramidVisionTransformer")]
public sealed class PyramidVisionTransformer : Backbone
{
    private readonly PyramidVisionTransformerOptions _options;
    private readonly PvtPlan _plan;
    private readonly PvtPatchEmbed[] _embeds;
    private readonly Parameter[] _positions;
    private readonly ModuleList<PreNormBlock>[] _blocks;
    private readonly Conv2d?[] _pyramid;
    private readonly Parameter? cls_token; // [1, 1, C]
    private readonly LayerNorm? norm;

    public PyramidVisionTransformer(PyramidVisionTransformerOptions options, ComponentBuilder? components = null)
        : base(nameof(PyramidVisionTransformer))
    {
        _options = options;
        _plan = PvtPlan.For(options);
        var stages = _plan.Stages.Length;
        (_embeds, _positions) = (new PvtPatchEmbed[stages], new Parameter[stages]);
        (_blocks, _pyramid) = (new ModuleList<PreNormBlock>[stages], new Conv2d?[stages]);
        var (width, block) = (options.InChannels, 0);
        for (var i = 0; i < stages; i++)
        {
            var stage = _plan.Stages[i];
            _embeds[i] = new PvtPatchEmbed(
                i == 0 ? PatchKind.Convolution : options.Patches,
                width,
                stage.Channels,
                stage.Patch,
                stage.Patch
            );
            _positions[i] = Parameter(zeros(1, LeadingTokens(i) + (stage.Grid.Height * stage.Grid.Width), stage.Channels));
            _blocks[i] = Blocks(i, stage, _plan.DropPaths.AsSpan(block, stage.Depth), components);
            block += stage.Depth;
            register_module($"patch_embed{i + 1}", _embeds[i]);
            register_parameter($"pos_embed{i + 1}", _positions[i]);
            register_module($"block{i + 1}", _blocks[i]);
            width = stage.Channels;
            if (stage.PyramidStep is not { } step || !_plan.OutIndices.Contains(i))
                continue;
            _pyramid[i] = Conv2d(width, width, 2, stride: step, dilation: step / 2);
            register_module($"pyramid{i + 1}", _pyramid[i]!);
        }
        cls_token = options.Features == TokenFeatures.ClsToken ? Parameter(zeros(1, 1, width)) : null;
        norm = options.Features == TokenFeatures.Maps ? null : LayerNorm(width, PvtStage.Epsilon);
        RegisterComponents();

        var maps = options.Features == TokenFeatures.Maps;
        OutChannels = maps ? [.. _plan.OutIndices.Select(i => _plan.Stages[i].Channels)] : [width];
        OutStrides = maps ? [.. _plan.OutIndices.Select(i => _plan.Stages[i].OutStride)] : [0];
        Weights.Transformer(this);
        foreach (var position in _positions)
            Initialize.TruncatedNormal(position, deviation: 0.02);
        if (cls_token is not null)
            Initialize.TruncatedNormal(cls_token, deviation: 0.02);
    }

    private ModuleList<PreNormBlock> Blocks(int index, PvtStage stage, ReadOnlySpan<double> dropPaths, ComponentBuilder? components)
    {
        var choose = AttentionChoice.For(
            _options.Attention,
            index,
            components,
            shape => new SpatialReductionAttention(new SpatialReductionAttentionOptions(stage.Reduction), shape)
        );
        return stage.Blocks(
            dropPaths,
            new AttentionShape(1, 1, 0, _options.QkvBias, _options.AttentionDropout, _options.Dropout, Fused: false),
            choose,
            (channels, hidden) => new Mlp(channels, hidden, _options.Dropout)
        );
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => PvtKeys.Maps;

    public override ParameterLayers LayersByDepth => PvtPlan.ByDepth([.. _plan.Stages.Select(stage => stage.Depth)]);

    /// <summary>Positional embeddings of another image size, or with a class token too many, are resized.</summary>
    public override Tensor Fit(string key, Tensor stored)
    {
        if (
            !key.StartsWith("pos_embed", StringComparison.Ordinal)
            || !int.TryParse(key["pos_embed".Length..], CultureInfo.InvariantCulture, out var stage)
        )
            return stored;
        return stage < 1 || stage > _plan.Stages.Length
            ? stored
            : PositionEmbedding.Fit(stored, LeadingTokens(stage - 1), _plan.Stages[stage - 1].Grid);
    }

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Maps [B, C, ⌈H / stride⌉, ⌈W / stride⌉] of the stages asked for; otherwise one vector [B, C].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (x, maps) = (images, new List<Tensor>());
        for (var i = 0; i < _embeds.Length; i++)
        {
            var map = _embeds[i].call(x);
            var grid = new TokenGrid((int)map.shape[2], (int)map.shape[3], LeadingTokens(i));
            x = map.flatten(2).transpose(1, 2); // [B, N, C]
            if (grid.Leading > 0)
                x = cat([cls_token!.expand(x.shape[0], -1, -1), x], 1);
            x =
                x
                + PositionEmbedding.Resize(
                    _positions[i],
                    grid.Leading,
                    _plan.Stages[i].Grid,
                    (grid.Height, grid.Width),
                    InterpolationMode.Bilinear
                );
            if (_options.Dropout > 0)
                x = functional.dropout(x, _options.Dropout, training);
            foreach (var block in _blocks[i])
                x = block.call(x, grid);
            if (_options.Features == TokenFeatures.Average && i == _embeds.Length - 1)
                maps.Add(norm!.Normed(x).mean([1]));
            if (grid.Leading > 0)
                maps.Add(norm!.Normed(x).select(1, 0));
            if (grid.Leading > 0 || i == _embeds.Length - 1 && _options.Features != TokenFeatures.Maps)
                continue;
            x = x.transpose(1, 2).reshape(x.shape[0], -1, grid.Height, grid.Width);
            if (_options.Features == TokenFeatures.Maps && _plan.OutIndices.Contains(i))
                maps.Add(Coarser(i, x));
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    private int LeadingTokens(int stage) => _options.Features == TokenFeatures.ClsToken && stage == _plan.Stages.Length - 1 ? 1 : 0;

    private Tensor Coarser(int stage, Tensor map)
    {
        if (_pyramid[stage] is not { } convolution)
            return map;
        var step = _plan.Stages[stage].PyramidStep!.Value;
        var (down, right) = (
            Attention.Core.Residues.Missing((int)map.shape[2], step),
            Attention.Core.Residues.Missing((int)map.shape[3], step)
        );
        return convolution.call(down + right > 0 ? functional.pad(map, [0, right, 0, down]) : map);
    }
}
