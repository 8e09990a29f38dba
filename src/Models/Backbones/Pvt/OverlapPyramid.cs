using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>What the pyramid transformers with overlapping patches share.</summary>
public abstract record OverlapPyramidOptions
{
    /// <summary>Width of each stage's tokens, instead of the arch's. As many as there are stages.</summary>
    [MinLength(1)]
    public int[]? EmbedDims { get; init; }

    /// <summary>Blocks of each stage, instead of the arch's.</summary>
    [MinLength(1)]
    public int[]? Depths { get; init; }

    /// <summary>Attention heads of each stage; 1, 2, 5, 8 by default.</summary>
    [MinLength(1)]
    public int[]? NumHeads { get; init; }

    /// <summary>Hidden width of each stage's MLPs relative to a token's, instead of the arch's.</summary>
    [MinLength(1)]
    public double[]? MlpRatios { get; init; }

    /// <summary>Spatial reduction of each stage's attention; 8, 4, 2, 1 by default.</summary>
    [MinLength(1)]
    public int[]? SrRatios { get; init; }

    /// <summary>Side of each stage's patches; 7, 3, 3, 3 by default.</summary>
    [MinLength(1)]
    public int[]? PatchSizes { get; init; }

    /// <summary>Stride of each stage's patches on the map before; 4, 2, 2, 2 by default.</summary>
    [MinLength(1)]
    public int[]? Strides { get; init; }

    /// <summary>Who attends whom, by stage: "stage1", "stage2" …, or "all"; the network's own by default.</summary>
    public IReadOnlyDictionary<string, ComponentSpec<TokenAttention>?>? Attention { get; init; }

    /// <summary>Channels of the image.</summary>
    [Range(1, 1024)]
    public int InChannels { get; init; } = 3;

    /// <summary>Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</summary>
    [MinLength(1)]
    public int[]? OutIndices { get; init; }

    /// <summary>Whether queries, keys and values have a bias.</summary>
    public bool QkvBias { get; init; } = true;

    /// <summary>Dropout of the attention's output and in the MLPs.</summary>
    [Range(0, 0.99)]
    public double Dropout { get; init; }

    /// <summary>Dropout of the attention weights.</summary>
    [Range(0, 0.99)]
    public double AttentionDropout { get; init; }

    /// <summary>Stochastic depth: rate at the last block, rising linearly from 0 at the first.</summary>
    [Range(0, 0.99)]
    public double DropPath { get; init; }
}

/// <summary>A pyramid of transformer stages: overlapping patches, attention to a reduced grid, and a depthwise convolution in the MLPs,
/// which tells tokens where they are.</summary>
public abstract class OverlapPyramid : Backbone
{
    private readonly PvtPatchEmbed[] _embeds;
    private readonly ModuleList<PreNormBlock>[] _blocks;
    private readonly LayerNorm[] _norms;
    private readonly OverlapPyramidOptions _options;
    private readonly PvtPlan _plan;

    /// <param name="own">A stage's attention where the config names none.</param>
    /// <param name="relu">A ReLU after an MLP's first layer, too.</param>
    private protected OverlapPyramid(
        string name,
        OverlapPyramidOptions options,
        PvtPlan plan,
        Func<PvtStage, AttentionShape, TokenAttention> own,
        bool relu,
        ComponentBuilder? components
    )
        : base(name)
    {
        (_options, _plan) = (options, plan);
        var stages = _plan.Stages.Length;
        (_embeds, _blocks, _norms) = (new PvtPatchEmbed[stages], new ModuleList<PreNormBlock>[stages], new LayerNorm[stages]);
        var (width, block) = (options.InChannels, 0);
        for (var i = 0; i < stages; i++)
        {
            var stage = _plan.Stages[i];
            _embeds[i] = new PvtPatchEmbed(PatchKind.Convolution, width, stage.Channels, stage.Patch, stage.Stride);
            var choose = AttentionChoice.For(options.Attention, i, components, shape => own(stage, shape));
            _blocks[i] = stage.Blocks(
                _plan.DropPaths.AsSpan(block, stage.Depth),
                new AttentionShape(1, 1, 0, options.QkvBias, options.AttentionDropout, options.Dropout, Fused: false),
                choose,
                (channels, hidden) => new ConvMlp(channels, hidden, options.Dropout, relu)
            );
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

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

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
