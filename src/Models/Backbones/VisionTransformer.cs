using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Models.Attention;
using Tessera.Models.Attention.Core;
using Tessera.Models.Backbones.Vit;
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
/// paper by a norm after averaging (fc_norm) in place of one before, as timm and MAE have it. With the options named in
/// docs/vision-transformers.md it is the network of DeiT III, DINOv2, DINOv3, EVA-02, CLIP and SigLIP.
/// </remarks>
[Component("VisionTransformer")]
public sealed class VisionTransformer : Backbone, ITakesPrompts, IChainedBackbone, ITokenBackbone
{
    private readonly PatchEmbed patch_embed;
    private readonly Parameter? cls_token; // [1, 1, C]
    private readonly Parameter? reg_token; // [1, registers, C]
    private readonly Parameter? pos_embed; // [1, leading tokens with positions + grid height * grid width, C]
    private readonly LayerNorm? norm_pre;
    private readonly ModuleList<VisionTransformerBlock> blocks = new();
    private readonly LayerNorm? norm;
    private readonly AttentionPool? attn_pool;
    private readonly LayerNorm? fc_norm;

    private readonly VisionTransformerOptions _options;
    private readonly VitPlan _plan;
    private readonly RotaryPositions? _rotary;

    /// <exception cref="UserErrorException">Options don't go together.</exception>
    public VisionTransformer(VisionTransformerOptions options, ComponentBuilder? components = null)
        : base(nameof(VisionTransformer))
    {
        _options = options;
        _plan = VitPlan.Of(options);
        _rotary = _plan.Rotary(options);
        var (width, maps) = (_plan.Width, options.Features == TokenFeatures.Maps);

        patch_embed = new PatchEmbed(options.PatchSize, options.InChannels, width, bias: !options.PreNorm);
        cls_token = options.ClassToken ? Parameter(zeros(1, 1, width)) : null;
        reg_token = options.RegTokens > 0 ? Parameter(zeros(1, options.RegTokens, width)) : null;
        pos_embed = options.AbsolutePositions ? Parameter(zeros(1, _plan.Positions.Count, width)) : null;
        norm_pre = options.PreNorm ? LayerNorm(width, options.NormEps) : null;
        var choose = AttentionChoice.For(options.Attention, components, shape => new FullAttention(shape));
        var rates = Layers.DropPath.Linear(options.DropPath, _plan.Depth);
        for (var i = 0; i < _plan.Built; i++)
            blocks.Add(new VisionTransformerBlock(width, _plan.Heads, options, rates[i], options.NormEps, i, choose, _rotary));
        norm = _plan.NormsPooled || _plan.Built < _plan.Depth ? null : LayerNorm(width, options.NormEps);
        attn_pool =
            options.Features == TokenFeatures.AttentionPool
                ? new AttentionPool(width, _plan.Heads, options.MlpRatio, options.MlpActivation, options.NormEps)
                : null;
        fc_norm = _plan.NormsPooled ? LayerNorm(width, options.NormEps) : null;
        RegisterComponents();

        OutChannels = [.. Enumerable.Repeat(width, maps ? _plan.OutIndices.Length : 1)];
        OutStrides = [.. Enumerable.Repeat(maps ? options.PatchSize : 0, OutChannels.Count)];
        if (options.GiveClassToken)
            (OutChannels, OutStrides) = ([.. OutChannels, width], [.. OutStrides, 0]);
        Start();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => VisionTransformerKeys.Maps(_options);

    public override ParameterLayers LayersByDepth =>
        new(
            [nameof(cls_token), nameof(reg_token), nameof(pos_embed), nameof(patch_embed), nameof(norm_pre)],
            [.. Enumerable.Range(0, blocks.Count).Select(i => new[] { $"blocks.{i}" })]
        );

    public IReadOnlyList<Module<Tensor, TokenGrid, Tensor>> PromptedBlocks => [.. blocks];

    public int TokenWidth => _plan.Width;

    public int PatchSize => _options.PatchSize;

    public int BlockCount => _plan.Depth;

    public int PatchValues => _options.InChannels * _options.PatchSize * _options.PatchSize;

    private int LeadingTokens => (_options.ClassToken ? 1 : 0) + _options.RegTokens;

    /// <summary>The published sizes.</summary>
    internal static (int Width, int Depth, int Heads) SizesOf(VisionTransformerArch arch) =>
        arch switch
        {
            VisionTransformerArch.Tiny => (192, 12, 3),
            VisionTransformerArch.Small => (384, 12, 6),
            VisionTransformerArch.Base => (768, 12, 12),
            VisionTransformerArch.Large => (1024, 24, 16),
            VisionTransformerArch.Huge => (1280, 32, 16),
            _ => (1536, 40, 24),
        };

    /// <summary>Positional embeddings of another image size, or of a model with or without class token, are resized.</summary>
    public override Tensor Fit(string key, Tensor stored) =>
        key == "pos_embed" ? PositionEmbedding.Fit(stored, _plan.Positions.Leading, _plan.Positions.Grid) : stored;

    public override string? OptionsFor(IReadOnlyCollection<string> missing, IReadOnlyDictionary<string, IReadOnlyList<long>> unexpected) =>
        VitMismatch.OptionsFor(_options, missing, unexpected);

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
            if (norm is not null && i == _plan.Depth - 1)
                x = norm.call(x);
            if (_options.Features == TokenFeatures.Maps && _plan.OutIndices.Contains(i))
                maps.Add(TokenAttention.ToMap(x, tokens));
        }

        if (_options.Features != TokenFeatures.Maps)
            maps.Add(Pooled(x));
        else if (_options.GiveClassToken)
            maps.Add(x.select(1, 0));
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    public (Tensor Tokens, TokenGrid Grid) Embed(Tensor images)
    {
        if (norm is null || blocks.Count < _plan.Depth)
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
            new ChainStep(
                "patches",
                [nameof(patch_embed), nameof(cls_token), nameof(reg_token), nameof(pos_embed), nameof(norm_pre)],
                images => Begin(images, tokens)
            ),
            .. blocks.Select((block, i) => new ChainStep($"blocks.{i}", [$"blocks.{i}"], x => block.call(x, tokens))),
            new ChainStep("norm", [nameof(norm), nameof(attn_pool), nameof(fc_norm)], x => End(x, tokens)),
        ];
    }

    private TokenGrid Grid(int height, int width)
    {
        var rest = _options.Features == TokenFeatures.Maps ? _options.PatchSize - 1 : 0; // maps are of padded images
        return new TokenGrid((height + rest) / _options.PatchSize, (width + rest) / _options.PatchSize, LeadingTokens);
    }

    /// <returns>[B, leading + N, C].</returns>
    private Tensor Begin(Tensor images, TokenGrid tokens)
    {
        using var scope = NewDisposeScope();
        if (_options.Features == TokenFeatures.Maps)
            images = PatchEmbed.Pad(images, _options.PatchSize);
        var x = _plan.Positions.Join([cls_token, reg_token], patch_embed.call(images), pos_embed, (tokens.Height, tokens.Width));
        if (_options.Dropout > 0)
            x = functional.dropout(x, _options.Dropout, training);
        return scope.MoveToOuter(norm_pre is null ? x : norm_pre.call(x));
    }

    /// <summary>What <see cref="forward"/> gives last, of what the last block gave.</summary>
    private Tensor End(Tensor x, TokenGrid tokens)
    {
        using var scope = NewDisposeScope();
        if (norm is not null)
            x = norm.call(x);
        return scope.MoveToOuter(_options.Features == TokenFeatures.Maps ? TokenAttention.ToMap(x, tokens) : Pooled(x));
    }

    /// <returns>[B, C].</returns>
    private Tensor Pooled(Tensor x)
    {
        var pooled = _options.Features switch
        {
            TokenFeatures.Average => x.narrow(1, LeadingTokens, x.shape[1] - LeadingTokens).mean([1]),
            TokenFeatures.AttentionPool => attn_pool!.call(x),
            _ => x.select(1, 0),
        };
        return fc_norm is null ? pooled : fc_norm.call(pooled);
    }

    private void Start()
    {
        Weights.Transformer(this);
        if (pos_embed is not null)
            Initialize.TruncatedNormal(pos_embed, deviation: 0.02);
        if (_options.PositionStart == PositionStart.SinCos)
        {
            using var still = no_grad();
            var positions = _plan.Positions;
            pos_embed!
                .narrow(1, positions.Leading, positions.Count - positions.Leading)
                .copy_(PositionEmbedding.SinCos(positions.Grid, _plan.Width));
        }
        if (_options.AttentionStart == AttentionStart.Mimetic)
            foreach (var attention in modules().OfType<TokenAttention>())
                attention.StartMimetic();
        foreach (var token in new[] { cls_token, reg_token }.OfType<Parameter>())
            init.normal_(token, std: 1e-6);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _rotary?.Dispose();
        base.Dispose(disposing);
    }
}
