using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>How positional embeddings of another grid are resized when weights are loaded.</summary>
public enum PositionFit
{
    /// <summary>Bicubic, antialiased.</summary>
    Bicubic,

    /// <summary>Each is repeated, as MCTformer+ begins from DeiT's 14 x 14 at 448 pixels.</summary>
    Nearest,
}

/// <param name="Arch">Width, depth and heads: tiny 192/12/3, small 384/12/6, base 768/12/12, large 1024/24/16, huge 1280/32/16.</param>
/// <param name="ImageSize">Image size that the positional embeddings are made for; others are met by resizing them.</param>
/// <param name="PatchSize">Side of a patch in pixels.</param>
/// <param name="EmbedDim">Width of a token, instead of the arch's.</param>
/// <param name="Depth">Number of blocks, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads, instead of the arch's.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="NumClasses">Class tokens; by default as many as the data has classes, with which it must agree.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="PositionStart">How the patches' positional embeddings start: "normal" or "sin_cos".</param>
/// <param name="AttentionStart">How the attention's weights start: "normal" or "mimetic", which learns faster from small data.</param>
/// <param name="PositionOffset">For images of another size: what is added to the rows and columns wanted when the scale of the resizing is
/// computed. The authors' V1 and V2 add 0.1, + adds nothing.</param>
/// <param name="PositionFit">How the embeddings of loaded weights meet another grid: "bicubic" or "nearest".</param>
public sealed record MctTransformerOptions(
    VisionTransformerArch Arch = VisionTransformerArch.Small,
    HeightWidth? ImageSize = null,
    [property: Range(1, 256)] int PatchSize = 16,
    [property: Range(1, 16384)] int? EmbedDim = null,
    [property: Range(1, 1024)] int? Depth = null,
    [property: Range(1, 1024)] int? NumHeads = null,
    [property: Range(0.01, 64)] double MlpRatio = 4,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: Range(1, 10_000)] int? NumClasses = null,
    bool QkvBias = true,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0,
    PositionStart PositionStart = PositionStart.Normal,
    AttentionStart AttentionStart = AttentionStart.Normal,
    [property: Range(0, 0.5)] double PositionOffset = 0,
    PositionFit PositionFit = PositionFit.Bicubic
);

/// <summary>A transformer over the patches of an image with one class token for each class of the data.</summary>
/// <remarks>
/// Xu et al., "Multi-class Token Transformer for Weakly Supervised Semantic Segmentation", CVPR 2022, arXiv:2203.02891, and "MCTformer+",
/// 2023, arXiv:2308.03005; blocks and their parameter names are DeiT's. As in the authors' code no norm follows the last block.
/// </remarks>
[Component("MctTransformer")]
public sealed class MctTransformer : Backbone
{
    private readonly PatchEmbed patch_embed;
    private readonly Parameter cls_token; // [classes, C]
    private readonly Parameter pos_embed_cls; // [classes, C]
    private readonly Parameter pos_embed_pat; // [1, grid height * grid width, C]
    private readonly ModuleList<VisionTransformerBlock> blocks = new();

    private readonly MctTransformerOptions _options;
    private readonly (int Height, int Width) _grid;

    public MctTransformer(MctTransformerOptions options, DataInfo? data = null)
        : base(nameof(MctTransformer))
    {
        _options = options;
        Classes = ClassesOf(options, data);
        var (width, depth, heads) = VisionTransformer.SizesOf(options.Arch);
        (width, depth, heads) = (options.EmbedDim ?? width, options.Depth ?? depth, options.NumHeads ?? heads);
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        _grid = (image.Height / options.PatchSize, image.Width / options.PatchSize);
        if (_grid.Height == 0 || _grid.Width == 0)
            throw new UserErrorException($"MctTransformer: patch_size {options.PatchSize} is larger than image_size {image}.");
        if (options.PositionStart == PositionStart.SinCos && width % 4 != 0)
            throw new UserErrorException($"MctTransformer: position_start \"sin_cos\" needs a width that is a multiple of 4, not {width}.");

        patch_embed = new PatchEmbed(options.PatchSize, options.InChannels, width);
        cls_token = Parameter(zeros(Classes, width));
        pos_embed_cls = Parameter(zeros(Classes, width));
        pos_embed_pat = Parameter(zeros(1, _grid.Height * _grid.Width, width));
        var rates = Layers.DropPath.Linear(options.DropPath, depth);
        var block = new VisionTransformerOptions(
            MlpRatio: options.MlpRatio,
            QkvBias: options.QkvBias,
            Dropout: options.Dropout,
            AttentionDropout: options.AttentionDropout
        );
        for (var i = 0; i < depth; i++)
            blocks.Add(new VisionTransformerBlock(width, heads, block, rates[i], block: i));
        RegisterComponents();

        OutChannels = [.. Enumerable.Repeat(Classes * width, depth), width];
        OutStrides = [.. Enumerable.Repeat(0, depth), options.PatchSize];
        Start();
    }

    /// <summary>Class tokens, in the order of the data's classes.</summary>
    public int Classes { get; }

    /// <summary>Number of blocks.</summary>
    public int Depth => blocks.Count;

    /// <summary>Side of a patch in pixels.</summary>
    public int PatchSize => _options.PatchSize;

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => MctTransformerKeys.Maps(Classes, _grid.Height * _grid.Width);

    /// <summary>The tensors with a row for each class.</summary>
    public IReadOnlyCollection<ClassTensor> ClassTensors => [new(nameof(cls_token)), new(nameof(pos_embed_cls))];

    public override ParameterLayers LayersByDepth =>
        new(
            [nameof(cls_token), nameof(pos_embed_cls), nameof(pos_embed_pat), nameof(patch_embed)],
            [.. Enumerable.Range(0, blocks.Count).Select(i => new[] { $"blocks.{i}" })]
        );

    /// <summary>A single class token (DeiT's) is repeated for every class; positional embeddings of another grid are resized.</summary>
    public override Tensor Fit(string key, Tensor stored)
    {
        if (key == nameof(pos_embed_pat))
            return FitPositions(stored);
        if (key is not (nameof(cls_token) or nameof(pos_embed_cls)) || stored.dim() != 3 || stored.shape[0] != 1)
            return stored;
        using var scope = NewDisposeScope();
        var rows = stored.squeeze(0);
        return scope.MoveToOuter((rows.shape[0] == 1 ? rows.expand(Classes, -1) : rows).clone());
    }

    /// <param name="images">Normalized images of any size, [B, InChannels, H, W]; padded with zeros to whole patches.</param>
    /// <returns>For each block its class tokens, [B, classes · C]; then the last block's patch tokens as a map, [B, C, ⌈H / patch⌉,
    /// ⌈W / patch⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        images = PatchEmbed.Pad(images, PatchSize);
        var tokens = GridOf(images.shape[2], images.shape[3]);
        var patches = patch_embed.call(images) + Positions(tokens); // [B, N, C]
        var x = cat([(cls_token + pos_embed_cls).unsqueeze(0).expand(patches.shape[0], -1, -1).to(patches.dtype), patches], 1);
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);

        var result = new Tensor[blocks.Count + 1];
        for (var i = 0; i < blocks.Count; i++)
        {
            x = blocks[i].call(x, tokens);
            result[i] = x.narrow(1, 0, Classes).flatten(1);
        }
        result[^1] = TokenAttention.ToMap(x, tokens);
        scope.MoveToOuter(result);
        return result;
    }

    /// <summary>How the tokens lie over images of a size: the class tokens, then the patches.</summary>
    public TokenGrid GridOf(long height, long width) =>
        new((int)((height + PatchSize - 1) / PatchSize), (int)((width + PatchSize - 1) / PatchSize), Classes);

    /// <summary>Runs over images and sums the blocks' attention, averaged over heads: no block's weights are kept.</summary>
    /// <param name="images">[B, InChannels, H, W].</param>
    /// <param name="last">How many of the last blocks count for the class tokens' attention.</param>
    /// <param name="affinity">Whether the patches' attention among themselves is wanted.</param>
    /// <returns>All of the caller's dispose scope.</returns>
    public MctAttention Attend(Tensor images, int last, bool affinity)
    {
        using var scope = NewDisposeScope();
        using var sums = new AttentionSums(
            [.. blocks.Select(block => block.modules().OfType<AttentionWeights>().Single())],
            Classes,
            last,
            affinity
        );
        var maps = call(images);
        scope.MoveToOuter(maps);
        return new MctAttention(
            maps,
            scope.MoveToOuter(sums.OfClasses!.alias()),
            sums.OfPatches is { } patches ? scope.MoveToOuter(patches.alias()) : null
        );
    }

    private void Start()
    {
        Weights.Transformer(this);
        foreach (var embedding in new[] { cls_token, pos_embed_cls, pos_embed_pat })
            Initialize.TruncatedNormal(embedding, deviation: 0.02);
        if (_options.PositionStart == PositionStart.SinCos)
        {
            using var still = no_grad();
            using var values = PositionEmbedding.SinCos(_grid, (int)pos_embed_pat.shape[2]);
            pos_embed_pat.copy_(values);
        }
        if (_options.AttentionStart == AttentionStart.Mimetic)
            foreach (var attention in modules().OfType<TokenAttention>())
                attention.StartMimetic();
    }

    private Tensor Positions(TokenGrid tokens) =>
        PositionEmbedding.Scaled(pos_embed_pat, _grid, (tokens.Height, tokens.Width), _options.PositionOffset);

    private Tensor FitPositions(Tensor stored)
    {
        if (_options.PositionFit == PositionFit.Bicubic)
            return PositionEmbedding.Fit(stored, 0, _grid);
        var side = stored.dim() == 3 ? (int)Math.Round(Math.Sqrt(stored.shape[1])) : 0;
        return side == 0 || (long)side * side != stored.shape[1]
            ? stored
            : PositionEmbedding.Resize(stored, 0, (side, side), _grid, InterpolationMode.Nearest);
    }

    private static int ClassesOf(MctTransformerOptions options, DataInfo? data)
    {
        if (options.NumClasses is { } wanted && data is not null && wanted != data.Classes.Count)
            throw new UserErrorException($"MctTransformer: num_classes is {wanted}, but the data has {data.Classes.Count} classes.");
        return options.NumClasses
            ?? data?.Classes.Count
            ?? throw new UserErrorException("MctTransformer needs num_classes where there is no data to tell it.");
    }
}

/// <summary>A run of an <see cref="MctTransformer"/> with what its attention adds up to.</summary>
/// <param name="Maps">As the backbone's forward gives them.</param>
/// <param name="ClassAttention">Of each class token to each patch, summed over the last blocks: [B, classes, N].</param>
/// <param name="Affinity">Of patches to patches, summed over all blocks: [B, N, N]; null where it wasn't asked for.</param>
public sealed record MctAttention(Tensor[] Maps, Tensor ClassAttention, Tensor? Affinity);
