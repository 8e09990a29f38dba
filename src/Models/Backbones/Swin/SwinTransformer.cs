using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using TorchSharp;
using TorchSharp.Modules;
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
public sealed class SwinTransformer : Backbone
{
    private readonly SwinPatchEmbed patch_embed;
    private readonly ModuleList<SwinStage> layers = new();
    private readonly LayerNorm?[] _norms;
    private readonly SwinTransformerOptions _options;
    private readonly int[] _outIndices;
    private readonly int[] _depths;
    private readonly bool _plainNorm; // one map, of the last stage: a classifier's norm

    public SwinTransformer(SwinTransformerOptions options, ComponentBuilder? components = null)
        : base(nameof(SwinTransformer))
    {
        const string Name = nameof(SwinTransformer);
        _options = options;
        var (width, depths, heads) = options.Arch switch
        {
            SwinArch.Tiny => (96, new[] { 2, 2, 6, 2 }, new[] { 3, 6, 12, 24 }),
            SwinArch.Small => (96, [2, 2, 18, 2], [3, 6, 12, 24]),
            SwinArch.Base => (128, [2, 2, 18, 2], [4, 8, 16, 32]),
            _ => (192, [2, 2, 18, 2], [6, 12, 24, 48]),
        };
        width = options.EmbedDim ?? width;
        depths = options.Depths ?? depths;
        if (options.NumHeads is null && depths.Length > heads.Length)
            throw new UserErrorException($"{Name}: with {depths.Length} stages, say num_heads for each.");
        heads = options.NumHeads ?? heads[..depths.Length];
        if (heads.Length != depths.Length)
            throw new UserErrorException($"{Name}: num_heads has {heads.Length} values, but depths {depths.Length}.");
        StageOptions.Positive(Name, ("depths", depths), ("num_heads", heads));
        StageOptions.AttentionKeys(Name, options.Attention?.Keys, depths.Length);
        _outIndices = StageOptions.Indices(Name, options.OutIndices, depths.Length);

        var built = _outIndices[^1] + 1;
        _depths = depths[..built];
        var rates = Layers.DropPath.Linear(options.DropPath, depths.Sum());
        patch_embed = new SwinPatchEmbed(options.PatchSize, options.InChannels, width, options.PatchNorm);
        for (var i = 0; i < built; i++)
        {
            var choose = AttentionChoice.For(
                options.Attention,
                i,
                components,
                shape => new WindowAttention(new WindowAttentionOptions(options.WindowSize, Padding: options.WindowPadding), shape)
            );
            layers.Add(
                new SwinStage(width << i, heads[i], options, rates[depths[..i].Sum()..][..depths[i]], choose, downsample: i < built - 1)
            );
        }
        _norms = new LayerNorm?[built];
        _plainNorm = _outIndices.Length == 1 && built == depths.Length;
        foreach (var i in _outIndices)
        {
            _norms[i] = LayerNorm(width << i);
            register_module(_plainNorm ? "norm" : $"norm{i}", _norms[i]!);
        }
        RegisterComponents();

        OutChannels = [.. _outIndices.Select(i => width << i)];
        OutStrides = [.. _outIndices.Select(i => options.PatchSize << i)];
        Weights.Transformer(this);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => SwinKeys.Maps(_outIndices[^1], _plainNorm);

    /// <summary>A stage's merging of patches goes with its last block.</summary>
    public override ParameterLayers LayersByDepth => StageOptions.ByDepth([nameof(patch_embed)], _depths);

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

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Normed maps [B, C, ⌈H / stride⌉, ⌈W / stride⌉] of the stages asked for.</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var map = patch_embed.call(images);
        if (_options.Dropout > 0)
            map = functional.dropout(map, _options.Dropout, training);
        var maps = new List<Tensor>();
        for (var i = 0; i < layers.Count; i++)
        {
            var grid = new TokenGrid((int)map.shape[2], (int)map.shape[3]);
            var x = map.flatten(2).transpose(1, 2); // [B, N, C]
            foreach (var block in layers[i].Blocks)
                x = block.call(x, grid);
            map = x.transpose(1, 2).reshape(x.shape[0], -1, grid.Height, grid.Width);
            if (_norms[i] is { } norm)
                maps.Add(norm.Normed(x).transpose(1, 2).reshape(map.shape));
            if (layers[i].Downsample is { } merge)
                map = merge.call(map);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}
