using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes.</summary>
public enum PvtV2Arch
{
    B0,
    B1,
    B2,
    B3,
    B4,
    B5,
}

/// <param name="Arch">Widths and blocks as published: b0 (32 to 256 wide; 2, 2, 2, 2), b1 (64 to 512), b2 (3, 4, 6, 3), b3 (3, 4, 18, 3),
/// b4 (3, 8, 27, 3), b5 (3, 6, 40, 3).</param>
/// <param name="Linear">Attention to a pooled grid of fixed size, and a ReLU in the MLPs: b2-linear is b2 with this.</param>
/// <param name="EmbedDims">Width of each stage's tokens, instead of the arch's. As many as there are stages.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads of each stage; 1, 2, 5, 8 by default.</param>
/// <param name="MlpRatios">Hidden width of each stage's MLPs relative to a token's, instead of the arch's.</param>
/// <param name="SrRatios">Spatial reduction of each stage's attention; 8, 4, 2, 1 by default.</param>
/// <param name="Attention">Who attends whom, by stage: "stage1", "stage2" …, or "all"; spatial reduction (linear: pooling) by
/// default.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
public sealed record PyramidVisionTransformerV2Options(
    PvtV2Arch Arch = PvtV2Arch.B0,
    bool Linear = false,
    [property: MinLength(1)] int[]? EmbedDims = null,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? NumHeads = null,
    [property: MinLength(1)] double[]? MlpRatios = null,
    [property: MinLength(1)] int[]? SrRatios = null,
    IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention = null,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0
);

/// <summary>The pyramid transformer with overlapping patches, convolutions in its MLPs, and no positional embeddings.</summary>
/// <remarks>Wang et al., "PVT v2: Improved Baselines with Pyramid Vision Transformer", 2021, arXiv:2106.13797. Parameter names are those of
/// whai362/PVT.</remarks>
[Component("PyramidVisionTransformerV2")]
public sealed class PyramidVisionTransformerV2 : Backbone
{
    private readonly PvtPatchEmbed[] _embeds;
    private readonly ModuleList<PreNormBlock>[] _blocks;
    private readonly LayerNorm[] _norms;
    private readonly PyramidVisionTransformerV2Options _options;
    private readonly PvtPlan _plan;

    public PyramidVisionTransformerV2(PyramidVisionTransformerV2Options options, ComponentBuilder? components = null)
        : base(nameof(PyramidVisionTransformerV2))
    {
        _options = options;
        _plan = PvtPlan.For(options);
        var stages = _plan.Stages.Length;
        (_embeds, _blocks, _norms) = (new PvtPatchEmbed[stages], new ModuleList<PreNormBlock>[stages], new LayerNorm[stages]);
        var (width, block) = (options.InChannels, 0);
        for (var i = 0; i < stages; i++)
        {
            var stage = _plan.Stages[i];
            _embeds[i] = new PvtPatchEmbed(PatchKind.Convolution, width, stage.Channels, stage.Patch, i == 0 ? 4 : 2);
            _blocks[i] = Blocks(i, stage, _plan.DropPaths.AsSpan(block, stage.Depth), components);
            (width, block) = (stage.Channels, block + stage.Depth);
            _norms[i] = LayerNorm(width, PvtStage.Epsilon);
            register_module($"patch_embed{i + 1}", _embeds[i]);
            register_module($"block{i + 1}", _blocks[i]);
            register_module($"norm{i + 1}", _norms[i]);
        }
        RegisterComponents();

        OutChannels = [.. _plan.OutIndices.Select(i => _plan.Stages[i].Channels)];
        OutStrides = [.. _plan.OutIndices.Select(i => _plan.Stages[i].OutStride)];
        Weights.Transformer(this);
        Weights.FanOut(this);
    }

    private ModuleList<PreNormBlock> Blocks(int index, PvtStage stage, ReadOnlySpan<double> dropPaths, ComponentBuilder? components)
    {
        var blocks = new ModuleList<PreNormBlock>();
        var choose = AttentionChoice.For(
            _options.Attention,
            index,
            components,
            shape =>
                _options.Linear
                    ? new LinearAttention(new LinearAttentionOptions(), shape)
                    : new SpatialReductionAttention(new SpatialReductionAttentionOptions(stage.Reduction), shape)
        );
        for (var i = 0; i < stage.Depth; i++)
        {
            var attention = choose(
                new AttentionShape(
                    stage.Channels,
                    stage.Heads,
                    i,
                    _options.QkvBias,
                    _options.AttentionDropout,
                    _options.Dropout,
                    Fused: false
                )
            );
            var mlp = new ConvMlp(stage.Channels, (int)(stage.Channels * stage.MlpRatio), _options.Dropout, _options.Linear);
            blocks.Add(new PreNormBlock(attention, mlp, stage.Channels, dropPaths[i], PvtStage.Epsilon));
        }
        return blocks;
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => PvtKeys.MapsV2;

    public override ParameterLayers LayersByDepth => PvtPlan.ByDepth([.. _plan.Stages.Select(stage => stage.Depth)]);

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Normed maps [B, C, ⌈H / stride⌉, ⌈W / stride⌉] of the stages asked for.</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var (map, maps) = (images, new List<Tensor>());
        for (var i = 0; i < _embeds.Length; i++)
        {
            map = _embeds[i].call(map);
            var grid = new TokenGrid((int)map.shape[2], (int)map.shape[3]);
            var x = map.flatten(2).transpose(1, 2); // [B, N, C]
            foreach (var block in _blocks[i])
                x = block.call(x, grid);
            map = _norms[i].Normed(x).transpose(1, 2).reshape(x.shape[0], -1, grid.Height, grid.Width);
            if (_plan.OutIndices.Contains(i))
                maps.Add(map);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}
