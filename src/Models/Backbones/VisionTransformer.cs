using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>A transformer over the patches of an image.</summary>
/// <remarks>
/// Dosovitskiy et al., "An Image is Worth 16x16 Words", 2021, arXiv:2010.11929; tiny and small from Touvron et al.,
/// "Training data-efficient image transformers", 2021, arXiv:2012.12877. Parameter names are timm's. Departs from the
/// paper by a norm after averaging (fc_norm) in place of one before, as timm and MAE have it.
/// </remarks>
[Component("VisionTransformer")]
public sealed class VisionTransformer : Backbone, ITakesPrompts, IChainedBackbone, ITokenBackbone
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
        if (options.GiveClassToken && !(maps && options.ClassToken))
            throw new UserErrorException("VisionTransformer: give_class_token belongs to features \"maps\" and class_token: true.");

        patch_embed = new PatchEmbed(options.PatchSize, options.InChannels, width);
        cls_token = options.ClassToken ? Parameter(zeros(1, 1, width)) : null;
        pos_embed = Parameter(zeros(1, LeadingTokens + (_grid.Height * _grid.Width), width));
        var choose = AttentionChoice.For(options.Attention, components, shape => new FullAttention(shape));
        var rates = Layers.DropPath.Linear(options.DropPath, _depth);
        var built = maps && !options.GiveClassToken ? _outIndices.Max() + 1 : _depth;
        for (var i = 0; i < built; i++)
            blocks.Add(new VisionTransformerBlock(width, heads, options, rates[i], block: i, attention: choose));
        norm = options.Features == TokenFeatures.Average || built < _depth ? null : LayerNorm(width, VisionTransformerBlock.Epsilon);
        fc_norm = options.Features == TokenFeatures.Average ? LayerNorm(width, VisionTransformerBlock.Epsilon) : null;
        RegisterComponents();

        OutChannels = [.. Enumerable.Repeat(width, maps ? _outIndices.Length : 1)];
        OutStrides = [.. Enumerable.Repeat(maps ? options.PatchSize : 0, OutChannels.Count)];
        if (options.GiveClassToken)
            (OutChannels, OutStrides) = ([.. OutChannels, width], [.. OutStrides, 0]);
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

    public IReadOnlyList<Module<Tensor, TokenGrid, Tensor>> PromptedBlocks => [.. blocks];

    public int TokenWidth => (int)pos_embed.shape[2];

    public int PatchSize => _options.PatchSize;

    public int BlockCount => _depth;

    public int PatchValues => _options.InChannels * _options.PatchSize * _options.PatchSize;

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
    /// <returns>For maps, one for each of OutIndices: [B, C, ⌈H / patch⌉, ⌈W / patch⌉], the network's last block normed, then the class
    /// token [B, C] where it was asked for; otherwise one vector [B, C].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var tokens = Grid((int)images.shape[2], (int)images.shape[3]);
        var x = Begin(images, tokens);
        var maps = new List<Tensor>();
        for (var i = 0; i < blocks.Count; i++)
        {
            x = blocks[i].call(x, tokens);
            if (norm is not null && i == _depth - 1)
                x = norm.call(x);
            if (_options.Features == TokenFeatures.Maps && _outIndices.Contains(i))
                maps.Add(TokenAttention.ToMap(x, tokens));
        }

        if (fc_norm is not null)
            maps.Add(Average(x));
        else if (_options.Features == TokenFeatures.ClsToken || _options.GiveClassToken)
            maps.Add(x.select(1, 0));
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    public (Tensor Tokens, TokenGrid Grid) Embed(Tensor images)
    {
        if (norm is null || blocks.Count < _depth)
            throw new UserErrorException(
                "VisionTransformer: tokens of all blocks are wanted, and the last norm: leave out_indices and features as they are "
                    + "by default."
            );
        var grid = Grid((int)images.shape[2], (int)images.shape[3]);
        return (Begin(images, grid), grid);
    }

    public Tensor Attend(int block, Tensor tokens, TokenGrid grid, Tensor? mask) => blocks[block].Run(tokens, grid, mask);

    public Tensor Normed(Tensor tokens) => norm!.call(tokens);

    /// <summary>Patches with their positions, the blocks, and the norm with what becomes of the tokens.</summary>
    public IReadOnlyList<ChainStep> Chain(int height, int width)
    {
        if (_options.GiveClassToken)
            throw new UserErrorException("pipeline: a VisionTransformer with give_class_token can't be cut into stages.");
        var tokens = Grid(height, width);
        return
        [
            new ChainStep("patches", [nameof(patch_embed), nameof(cls_token), nameof(pos_embed)], images => Begin(images, tokens)),
            .. blocks.Select((block, i) => new ChainStep($"blocks.{i}", [$"blocks.{i}"], x => block.call(x, tokens))),
            new ChainStep("norm", [nameof(norm), nameof(fc_norm)], x => End(x, tokens)),
        ];
    }

    private TokenGrid Grid(int height, int width)
    {
        var rest = _options.Features == TokenFeatures.Maps ? _options.PatchSize - 1 : 0; // maps are of padded images
        return new TokenGrid((height + rest) / _options.PatchSize, (width + rest) / _options.PatchSize, LeadingTokens);
    }

    /// <returns>[B, (1 +) N, C].</returns>
    private Tensor Begin(Tensor images, TokenGrid tokens)
    {
        using var scope = NewDisposeScope();
        if (_options.Features == TokenFeatures.Maps)
            images = PatchEmbed.Pad(images, _options.PatchSize);
        var x = patch_embed.call(images); // [B, N, C]
        if (cls_token is not null)
            x = cat([cls_token.expand(x.shape[0], -1, -1), x], 1);
        x = x + Positions((tokens.Height, tokens.Width));
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);
        return scope.MoveToOuter(x);
    }

    /// <summary>What <see cref="forward"/> gives last, of what the last block gave.</summary>
    private Tensor End(Tensor x, TokenGrid tokens)
    {
        using var scope = NewDisposeScope();
        if (norm is not null)
            x = norm.call(x);
        return scope.MoveToOuter(
            _options.Features switch
            {
                TokenFeatures.Maps => TokenAttention.ToMap(x, tokens),
                TokenFeatures.Average => Average(x),
                _ => x.select(1, 0),
            }
        );
    }

    private Tensor Average(Tensor x) => fc_norm!.call(x.narrow(1, LeadingTokens, x.shape[1] - LeadingTokens).mean([1]));

    private Tensor Positions((int, int) grid)
    {
        if (_options.PositionAntialias || grid == _grid)
            return PositionEmbedding.Resize(pos_embed, LeadingTokens, _grid, grid);
        var (leading, patches) = (
            pos_embed.narrow(1, 0, LeadingTokens),
            pos_embed.narrow(1, LeadingTokens, pos_embed.shape[1] - LeadingTokens)
        );
        return cat([leading, PositionEmbedding.Scaled(patches, _grid, grid, offset: 0)], 1);
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

    /// <summary>As <c>call</c>, under a mask of the attention where there is one.</summary>
    internal Tensor Run(Tensor x, TokenGrid grid, Tensor? mask)
    {
        if (mask is null)
            return call(x, grid);
        if (attn is not DenseAttention dense)
            throw new UserErrorException($"A mask of the attention can't be laid on {attn.GetName()}: take FullAttention.");
        using var _ = dense.Under(mask);
        return call(x, grid);
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
