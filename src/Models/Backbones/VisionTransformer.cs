using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes of the transformer: width, depth, heads.</summary>
public enum VisionTransformerArch
{
    Tiny,
    Small,
    Base,
    Large,
    Huge,
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
/// 1280/32/16.</param>
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
    ComponentSpec<TokenAttention>? Attention = null
);

/// <summary>A transformer over the patches of an image.</summary>
/// <remarks>
/// Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, arXiv:2010.11929; tiny and small from Touvron et al.,
/// "Training data-efficient image transformers", 2021, arXiv:2012.12877. Parameter names are timm's. Departs from the
/// paper by a norm after averaging (fc_norm) in place of one before, as timm and MAE have it.
/// </remarks>
[Component("VisionTransformer")]
public sealed class VisionTransformer : Backbone
{
    private readonly PatchEmbed patch_embed;
    private readonly Parameter? cls_token; // [1, 1, C]
    private readonly Parameter pos_embed; // [1, (1 +) grid height * grid width, C]
    private readonly ModuleList<VisionTransformerBlock> blocks = new();
    private readonly LayerNorm? norm;
    private readonly LayerNorm? fc_norm;

    private readonly VisionTransformerOptions _options;
    private readonly (int Height, int Width) _grid;
    private readonly int[] _outIndices;
    private readonly int _depth;

    public VisionTransformer(VisionTransformerOptions options, ComponentBuilder? components = null)
        : base(nameof(VisionTransformer))
    {
        _options = options;
        var (width, depth, heads) = SizesOf(options.Arch);
        (width, _depth, heads) = (options.EmbedDim ?? width, options.Depth ?? depth, options.NumHeads ?? heads);
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        _grid = (image.Height / options.PatchSize, image.Width / options.PatchSize);
        _outIndices = OutIndices.OfBlocks(nameof(VisionTransformer), options.OutIndices, options.Features, _depth);
        var maps = options.Features == TokenFeatures.Maps;
        if (_grid.Height == 0 || _grid.Width == 0)
            throw new UserErrorException($"VisionTransformer: patch_size {options.PatchSize} is larger than image_size {image}.");
        if (options is { Features: TokenFeatures.ClsToken, ClassToken: false })
            throw new UserErrorException(
                "VisionTransformer: features \"cls_token\" needs class_token: true; without one, take \"average\"."
            );

        patch_embed = new PatchEmbed(options.PatchSize, options.InChannels, width);
        cls_token = options.ClassToken ? Parameter(zeros(1, 1, width)) : null;
        pos_embed = Parameter(zeros(1, LeadingTokens + (_grid.Height * _grid.Width), width));
        var choose = AttentionChoice.For(options.Attention, components, shape => new FullAttention(shape));
        var rates = Layers.DropPath.Linear(options.DropPath, _depth);
        var built = maps ? _outIndices.Max() + 1 : _depth;
        for (var i = 0; i < built; i++)
            blocks.Add(new VisionTransformerBlock(width, heads, options, rates[i], block: i, attention: choose));
        norm = options.Features == TokenFeatures.Average || built < _depth ? null : LayerNorm(width, VisionTransformerBlock.Epsilon);
        fc_norm = options.Features == TokenFeatures.Average ? LayerNorm(width, VisionTransformerBlock.Epsilon) : null;
        RegisterComponents();

        OutChannels = [.. Enumerable.Repeat(width, maps ? _outIndices.Length : 1)];
        OutStrides = [.. Enumerable.Repeat(maps ? options.PatchSize : 0, OutChannels.Count)];
        Weights.Transformer(this);
        Initialize.TruncatedNormal(pos_embed, deviation: 0.02);
        if (options.PositionStart == PositionStart.SinCos)
        {
            if (width % 4 != 0)
                throw new UserErrorException(
                    $"VisionTransformer: position_start \"sin_cos\" needs a width that is a multiple of 4, not {width}."
                );
            using var still = no_grad();
            pos_embed.narrow(1, LeadingTokens, pos_embed.shape[1] - LeadingTokens).copy_(PositionEmbedding.SinCos(_grid, width));
        }
        if (options.AttentionStart == AttentionStart.Mimetic)
            foreach (var attention in modules().OfType<TokenAttention>())
                attention.StartMimetic();
        if (cls_token is not null)
            init.normal_(cls_token, std: 1e-6);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => VisionTransformerKeys.Maps;

    public override ParameterLayers LayersByDepth =>
        new(
            [nameof(cls_token), nameof(pos_embed), nameof(patch_embed)],
            [.. Enumerable.Range(0, blocks.Count).Select(i => new[] { $"blocks.{i}" })]
        );

    private int LeadingTokens => _options.ClassToken ? 1 : 0;

    /// <summary>The published sizes.</summary>
    internal static (int Width, int Depth, int Heads) SizesOf(VisionTransformerArch arch) =>
        arch switch
        {
            VisionTransformerArch.Tiny => (192, 12, 3),
            VisionTransformerArch.Small => (384, 12, 6),
            VisionTransformerArch.Base => (768, 12, 12),
            VisionTransformerArch.Large => (1024, 24, 16),
            _ => (1280, 32, 16),
        };

    /// <summary>Positional embeddings of another image size, or of a model with or without class token, are resized.</summary>
    public override Tensor Fit(string key, Tensor stored) =>
        key == "pos_embed" ? PositionEmbedding.Fit(stored, LeadingTokens, _grid) : stored;

    /// <param name="images">Normalized images, [B, InChannels, H, W]; for maps of any size, otherwise what is left of the last whole patch
    /// is not looked at.</param>
    /// <returns>For maps, one for each of OutIndices: [B, C, ⌈H / patch⌉, ⌈W / patch⌉], the network's last block normed; otherwise one
    /// vector [B, C].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        if (_options.Features == TokenFeatures.Maps)
            images = PatchEmbed.Pad(images, _options.PatchSize);
        var grid = ((int)images.shape[2] / _options.PatchSize, (int)images.shape[3] / _options.PatchSize);
        var x = patch_embed.call(images); // [B, N, C]
        if (cls_token is not null)
            x = cat([cls_token.expand(x.shape[0], -1, -1), x], 1);
        x = x + PositionEmbedding.Resize(pos_embed, LeadingTokens, _grid, grid);
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);

        var (maps, tokens) = (new List<Tensor>(), new TokenGrid(grid.Item1, grid.Item2, LeadingTokens));
        for (var i = 0; i < blocks.Count; i++)
        {
            x = blocks[i].call(x, tokens);
            if (_options.Features == TokenFeatures.Maps && _outIndices.Contains(i))
                maps.Add(TokenAttention.ToMap(i == _depth - 1 ? norm!.call(x) : x, tokens));
        }

        if (fc_norm is not null)
            maps.Add(fc_norm.call(x.narrow(1, LeadingTokens, x.shape[1] - LeadingTokens).mean([1])));
        else if (_options.Features == TokenFeatures.ClsToken)
            maps.Add(norm!.call(x).select(1, 0));
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}

/// <summary>Attention, then an MLP, each on normed tokens and added to them.</summary>
public sealed class VisionTransformerBlock : Module<Tensor, TokenGrid, Tensor>
{
    internal const double Epsilon = 1e-6;

    private readonly LayerNorm norm1;
    private readonly TokenAttention attn;
    private readonly LayerScale? ls1;
    private readonly DropPath? drop_path1;
    private readonly LayerNorm norm2;
    private readonly Mlp mlp;
    private readonly LayerScale? ls2;
    private readonly DropPath? drop_path2;

    internal VisionTransformerBlock(
        int width,
        int heads,
        VisionTransformerOptions options,
        double dropPath,
        double epsilon = Epsilon,
        int block = 0,
        Func<AttentionShape, TokenAttention>? attention = null
    )
        : base(nameof(VisionTransformerBlock))
    {
        var shape = new AttentionShape(width, heads, block, options.QkvBias, options.AttentionDropout, options.Dropout);
        norm1 = LayerNorm(width, epsilon);
        attn = attention is null ? new FullAttention(shape) : attention(shape);
        norm2 = LayerNorm(width, epsilon);
        mlp = new Mlp(width, (int)(width * options.MlpRatio), options.Dropout);
        if (options.LayerScale is { } initial)
            (ls1, ls2) = (new LayerScale(width, initial), new LayerScale(width, initial));
        if (dropPath > 0)
            (drop_path1, drop_path2) = (new DropPath(dropPath), new DropPath(dropPath));
        RegisterComponents();
    }

    /// <param name="x">[B, N, C].</param>
    public override Tensor forward(Tensor x, TokenGrid grid)
    {
        using var scope = NewDisposeScope();
        var branch = attn.call(norm1.call(x), grid);
        if (ls1 is not null)
            branch = ls1.call(branch);
        if (drop_path1 is not null)
            branch = drop_path1.call(branch);
        x = x + branch;
        branch = mlp.call(norm2.call(x));
        if (ls2 is not null)
            branch = ls2.call(branch);
        if (drop_path2 is not null)
            branch = drop_path2.call(branch);
        return scope.MoveToOuter(x + branch);
    }
}
