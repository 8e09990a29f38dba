using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Models.Attention;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <param name="Arch">As published, by the number of blocks: 7, 10 or 12 (width 256, 4 heads), 14 (384, 6), 19 (448, 7) or 24 (512,
/// 8).</param>
/// <param name="Tokens">What mixes tokens between the soft splits: "performer" or "transformer" (T2T-ViT_t).</param>
/// <param name="ImageSize">Image size that the positional embeddings are made for; others are met by resizing them.</param>
/// <param name="EmbedDim">Width of a token, instead of the arch's.</param>
/// <param name="Depth">Number of blocks, instead of the arch's.</param>
/// <param name="NumHeads">Attention heads, instead of the arch's.</param>
/// <param name="MlpRatio">Hidden width of the MLPs relative to a token's, instead of the arch's: 2 up to 12, 3 above.</param>
/// <param name="TokenDim">Width of a token between the soft splits.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="Features">What comes out: the class token, the average of the other tokens, or maps for dense prediction.</param>
/// <param name="OutIndices">For maps: the blocks whose tokens are given, from 0; by default the last. Blocks after them are not
/// built.</param>
/// <param name="QkvBias">Whether queries, keys and values have a bias.</param>
/// <param name="TokenDropout">Dropout between the soft splits, where performers mix.</param>
/// <param name="Dropout">Dropout of the tokens, of the attention's output and in the MLPs.</param>
/// <param name="AttentionDropout">Dropout of the attention weights.</param>
/// <param name="DropPath">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="Attention">Who attends whom in the blocks after the soft splits; everyone everyone by default.</param>
public sealed record T2TViTOptions(
    [property: AllowedValues(7, 10, 12, 14, 19, 24)] int Arch = 14,
    T2TTokens Tokens = T2TTokens.Performer,
    HeightWidth? ImageSize = null,
    [property: Range(2, 16384)] int? EmbedDim = null,
    [property: Range(1, 1024)] int? Depth = null,
    [property: Range(1, 1024)] int? NumHeads = null,
    [property: Range(0.01, 64)] double? MlpRatio = null,
    [property: Range(2, 4096)] int TokenDim = 64,
    [property: Range(1, 1024)] int InChannels = 3,
    TokenFeatures Features = TokenFeatures.ClsToken,
    [property: MinLength(1)] int[]? OutIndices = null,
    bool QkvBias = false,
    [property: Range(0, 0.99)] double TokenDropout = 0.1,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 0.99)] double AttentionDropout = 0,
    [property: Range(0, 0.99)] double DropPath = 0,
    ComponentSpec<TokenAttention>? Attention = null
);

/// <summary>A transformer whose tokens come from overlapping patches of patches, deep and narrow.</summary>
/// <remarks>
/// Yuan et al., "Tokens-to-Token ViT: Training Vision Transformers from Scratch on ImageNet", 2021, arXiv:2101.11986.
/// Parameter names are those of the authors' checkpoints. Departs from their code by taking images of any size: they are
/// padded with zeros to multiples of 16, and the embeddings are resized.
/// </remarks>
[Component("T2TViT")]
public sealed class T2TViT : Backbone, ITakesPrompts
{
    private const int Stride = 16;
    private const double Epsilon = 1e-5;

    private readonly T2TModule tokens_to_token;
    private readonly Parameter cls_token; // [1, 1, C]
    private readonly ModuleList<VisionTransformerBlock> blocks = new();
    private readonly LayerNorm? norm;

    private readonly T2TViTOptions _options;
    private readonly (int Height, int Width) _grid;
    private readonly int[] _outIndices;
    private readonly int _depth;

    public T2TViT(T2TViTOptions options, ComponentBuilder? components = null)
        : base(nameof(T2TViT))
    {
        _options = options;
        var (width, heads, ratio) = options.Arch switch
        {
            14 => (384, 6, 3.0),
            19 => (448, 7, 3.0),
            24 => (512, 8, 3.0),
            _ => (256, 4, 2.0),
        };
        (width, heads, _depth) = (options.EmbedDim ?? width, options.NumHeads ?? heads, options.Depth ?? options.Arch);
        if (width % 2 != 0)
            throw new UserErrorException($"T2TViT: embed_dim must be even (sines and cosines by turns), not {width}.");
        var image = options.ImageSize ?? new HeightWidth(224, 224);
        _grid = ((image.Height + Stride - 1) / Stride, (image.Width + Stride - 1) / Stride);
        OutIndices.RequireNoAttentionPool(nameof(T2TViT), options.Features);
        _outIndices = OutIndices.OfBlocks(nameof(T2TViT), options.OutIndices, options.Features, _depth);

        tokens_to_token = new T2TModule(options.Tokens, options.InChannels, options.TokenDim, width, options.TokenDropout);
        cls_token = Parameter(zeros(1, 1, width));
        register_buffer("pos_embed", PositionEmbedding.Sinusoid(1 + (_grid.Height * _grid.Width), width));
        var maps = options.Features == TokenFeatures.Maps;
        var built = maps ? _outIndices[^1] + 1 : _depth;
        var block = new VisionTransformerOptions(
            MlpRatio: options.MlpRatio ?? ratio,
            QkvBias: options.QkvBias,
            Dropout: options.Dropout,
            AttentionDropout: options.AttentionDropout
        );
        var choose = AttentionChoice.For(options.Attention, components, shape => new FullAttention(shape));
        var rates = Layers.DropPath.Linear(options.DropPath, _depth);
        for (var i = 0; i < built; i++)
            blocks.Add(new VisionTransformerBlock(width, heads, block, rates[i], Epsilon, i, choose));
        norm = built < _depth ? null : LayerNorm(width, Epsilon);
        RegisterComponents();

        OutChannels = [.. Enumerable.Repeat(width, maps ? _outIndices.Length : 1)];
        OutStrides = [.. Enumerable.Repeat(maps ? Stride : 0, OutChannels.Count)];
        Weights.Transformer(this);
        Initialize.TruncatedNormal(cls_token, deviation: 0.02);
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => T2TViTKeys.Maps;

    /// <summary>The first soft split unfolds 7 x 7 pixels, channel by channel; a norm and a linear layer read them.</summary>
    public override IReadOnlyList<StemTensor> StemTensors
    {
        get
        {
            const string first = "tokens_to_token.attention1.";
            const int patch = 7 * 7;
            return
            [
                new($"{first}{(_options.Tokens == T2TTokens.Performer ? "kqv" : "attn.qkv")}.weight", StemRole.Weight, patch),
                new($"{first}norm1.weight", StemRole.Norm, patch),
                new($"{first}norm1.bias", StemRole.Norm, patch),
            ];
        }
    }

    public override ParameterLayers LayersByDepth =>
        new([nameof(tokens_to_token), nameof(cls_token)], [.. Enumerable.Range(0, blocks.Count).Select(i => new[] { $"blocks.{i}" })]);

    public IReadOnlyList<Module<Tensor, TokenGrid, Tensor>> PromptedBlocks => [.. blocks];

    public int TokenWidth => (int)cls_token.shape[2];

    public int PatchValues => _options.InChannels * Stride * Stride;

    /// <summary>Positional embeddings of another image size are resized.</summary>
    public override Tensor Fit(string key, Tensor stored) => key == "pos_embed" ? PositionEmbedding.Fit(stored, 1, _grid) : stored;

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>For maps, one for each of OutIndices: [B, C, ⌈H / 16⌉, ⌈W / 16⌉], the network's last block normed; otherwise one vector [B,
    /// C].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        images = PatchEmbed.Pad(images, Stride);
        var grid = ((int)images.shape[2] / Stride, (int)images.shape[3] / Stride);
        var x = tokens_to_token.call(images); // [B, N, C]
        x = cat([cls_token.expand(x.shape[0], -1, -1), x], 1) + PositionEmbedding.Resize(get_buffer("pos_embed")!, 1, _grid, grid);
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);

        var (maps, tokens) = (new List<Tensor>(), new TokenGrid(grid.Item1, grid.Item2, 1));
        for (var i = 0; i < blocks.Count; i++)
        {
            x = blocks[i].call(x, tokens);
            if (i == _depth - 1)
                x = norm!.call(x);
            if (_options.Features == TokenFeatures.Maps && _outIndices.Contains(i))
                maps.Add(TokenAttention.ToMap(x, tokens));
        }
        if (_options.Features == TokenFeatures.ClsToken)
            maps.Add(x.select(1, 0));
        if (_options.Features == TokenFeatures.Average)
            maps.Add(x.narrow(1, 1, x.shape[1] - 1).mean([1]));
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }
}
