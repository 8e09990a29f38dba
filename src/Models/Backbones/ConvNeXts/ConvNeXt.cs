using Tessera.Framework.Models;
using Tessera.Models.Layers;
using Tessera.Torch.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.ConvNeXts;

/// <summary>Published sizes.</summary>
public enum ConvNeXtArch
{
    Atto,
    Femto,
    Pico,
    Nano,
    Tiny,
    Small,
    Base,
    Large,
    Xlarge,
    Huge,
}

/// <param name="Arch">Channels of the first stage and blocks as published: atto 40 (2, 2, 6, 2), femto 48, pico 64, nano 80 (2, 2, 8, 2),
/// tiny 96 (3, 3, 9, 3), small 96 (3, 3, 27, 3), base 128, large 192, xlarge 256, huge 352.</param>
/// <param name="Depths">Blocks of each stage, instead of the arch's.</param>
/// <param name="Channels">Channels of each stage, instead of the arch's, which double with each.</param>
/// <param name="UseGrn">Global response norm in the blocks: version 2, together with layer_scale_init_value 0.</param>
/// <param name="LayerScaleInitValue">A factor for each channel of what a block adds, at first; 0: there is none.</param>
/// <param name="PatchSize">Side of a patch in pixels, the stem's stride; 2 or 1 for images of 32 to 64 pixels.</param>
/// <param name="KernelSize">Side of the blocks' convolutions, odd.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0, each normed. By default none, but the normed mean of the last stage's map,
/// which a classifier reads. Stages after the last of them are not built.</param>
/// <param name="DropPathRate">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages.</param>
/// <param name="NormEps">What layer norms add to variances.</param>
public sealed record ConvNeXtOptions(
    ConvNeXtArch Arch = ConvNeXtArch.Tiny,
    [property: MinLength(1)] int[]? Depths = null,
    [property: MinLength(1)] int[]? Channels = null,
    bool UseGrn = false,
    [property: Range(0, 1)] double LayerScaleInitValue = 1e-6,
    [property: Range(1, 64)] int PatchSize = 4,
    [property: AllowedValues(1, 3, 5, 7, 9, 11, 13, 15)] int KernelSize = 7,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: Range(0, 0.99)] double DropPathRate = 0,
    [property: Range(-1, 16)] int FrozenStages = -1,
    [property: Range(1e-12, 1)] double NormEps = 1e-6
);

/// <summary>A network of convolutions with what makes transformers good: large windows, few norms and activations, MLPs.</summary>
/// <remarks>
/// Liu et al., "A ConvNet for the 2020s", 2022, arXiv:2201.03545; Woo et al., "ConvNeXt V2", 2023, arXiv:2301.00808. Parameters are named
/// as in facebookresearch/ConvNeXt; torchvision's, timm's and MMPretrain's names are read and written. A map's H and W are
/// rounded down at each stride, as published.
/// </remarks>
[Component("ConvNeXt")]
public sealed class ConvNeXt : Backbone, IChainedBackbone
{
    private readonly ModuleList<Module<Tensor, Tensor>> downsample_layers = new();
    private readonly ModuleList<Sequential> stages = new();
    private readonly LayerNorm?[] _norms;
    private readonly ConvNeXtOptions _options;
    private readonly int[] _depths;
    private readonly int[] _given;
    private readonly bool _pools;
    private readonly int _leastSide;

    public ConvNeXt(ConvNeXtOptions options)
        : base(nameof(ConvNeXt))
    {
        _options = options;
        int[] channels;
        (_depths, channels) = Sizes(options);
        _pools = options.OutIndices is null;
        _given = OutIndices.Checked(nameof(ConvNeXt), options.OutIndices ?? [_depths.Length - 1], _depths.Length);
        var built = _given[^1] + 1;
        if (options.FrozenStages > built)
            throw new UserErrorException($"{nameof(ConvNeXt)}: frozen_stages is {options.FrozenStages}, but there are {built} stages.");
        var rates = DropPath.Linear(options.DropPathRate, _depths.Sum());
        var block = 0;
        for (var i = 0; i < built; i++)
        {
            downsample_layers.Add(
                i == 0
                    ? new ConvNeXtStem(options.InChannels, channels[0], options.PatchSize, options.NormEps)
                    : new ConvNeXtDownsample(channels[i - 1], channels[i], options.NormEps)
            );
            stages.Add(
                Sequential(
                    Enumerable
                        .Range(0, _depths[i])
                        .Select(_ => (Module<Tensor, Tensor>)new ConvNeXtBlock(channels[i], rates[block++], options))
                )
            );
        }
        _depths = _depths[..built];
        _norms = new LayerNorm?[built];
        foreach (var i in _given)
        {
            _norms[i] = LayerNorm(channels[i], options.NormEps);
            register_module(_pools ? "norm" : $"norm{i}", _norms[i]!);
        }
        RegisterComponents();

        OutChannels = [.. _given.Select(i => channels[i])];
        OutStrides = [.. _given.Select(i => _pools ? 0 : options.PatchSize << i)];
        _leastSide = options.PatchSize << (built - 1);
        Start();
        FrozenParts.Freeze(Frozen());
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => ConvNeXtKeys.Of(_depths, _pools ? null : _given, _options.UseGrn);

    /// <summary>A stage's first block takes the layer that halves its map with it.</summary>
    public override ParameterLayers LayersByDepth =>
        new(
            [$"{nameof(downsample_layers)}.0"],
            [
                .. _depths.SelectMany(
                    (depth, i) =>
                        Enumerable
                            .Range(0, depth)
                            .Select(j =>
                                i > 0 && j == 0
                                    ? new[] { $"{nameof(stages)}.{i}.0", $"{nameof(downsample_layers)}.{i}" }
                                    : [$"{nameof(stages)}.{i}.{j}"]
                            )
                ),
            ]
        );

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>Normed maps [B, C, ⌊H / stride⌋, ⌊W / stride⌋] of the stages asked for; without OutIndices one vector, [B, C].</returns>
    /// <exception cref="UserErrorException">The images are too small for the strides.</exception>
    public override Tensor[] forward(Tensor images)
    {
        SmallImages.Refuse(nameof(ConvNeXt), images, _leastSide);
        using var scope = NewDisposeScope();
        var (x, maps) = (images, new List<Tensor>());
        for (var i = 0; i < _depths.Length; i++)
        {
            x = stages[i].call(downsample_layers[i].call(x));
            if (_norms[i] is { } norm)
                maps.Add(_pools ? Pooled(x) : norm.OverChannels(x));
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    /// <summary>The stem, then every block, with what halves the map before it, and the closing norm.</summary>
    public IReadOnlyList<ChainStep> Chain(int height, int width)
    {
        var steps = new List<ChainStep>();
        for (var i = 0; i < _depths.Length; i++)
        {
            steps.Add(new ChainStep($"{nameof(downsample_layers)}.{i}", [$"{nameof(downsample_layers)}.{i}"], downsample_layers[i].call));
            foreach (var (j, block) in stages[i].children().Index())
                steps.Add(new ChainStep($"{nameof(stages)}.{i}.{j}", [$"{nameof(stages)}.{i}.{j}"], ((Module<Tensor, Tensor>)block).call));
        }
        var last = _norms[^1]!;
        steps.Add(
            _pools
                ? new ChainStep("norm", ["norm"], Pooled)
                // The norms of earlier stages, which give maps alone, are trained nowhere; they stand here.
                : new ChainStep($"norm{_depths.Length - 1}", [.. _given.Select(i => $"norm{i}")], last.OverChannels)
        );
        return steps;
    }

    private Tensor Pooled(Tensor map)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(_norms[^1]!.Normed(map.mean([2, 3])));
    }

    private IEnumerable<Module> Frozen() =>
        Enumerable
            .Range(0, Math.Max(_options.FrozenStages, _options.FrozenStages == 0 ? 1 : 0))
            .SelectMany(i => _options.FrozenStages > i ? new[] { downsample_layers[i], stages[i] } : [downsample_layers[i]]);

    private void Start()
    {
        foreach (var linear in modules().OfType<Linear>())
            Weights.Truncated(linear);
        foreach (var convolution in modules().OfType<Conv2d>())
        {
            Initialize.TruncatedNormal(convolution.weight!, deviation: 0.02);
            init.zeros_(convolution.bias!);
        }
    }

    private static (int[] Depths, int[] Channels) Sizes(ConvNeXtOptions options)
    {
        var (first, depths) = options.Arch switch
        {
            ConvNeXtArch.Atto => (40, new[] { 2, 2, 6, 2 }),
            ConvNeXtArch.Femto => (48, [2, 2, 6, 2]),
            ConvNeXtArch.Pico => (64, [2, 2, 6, 2]),
            ConvNeXtArch.Nano => (80, [2, 2, 8, 2]),
            ConvNeXtArch.Tiny => (96, [3, 3, 9, 3]),
            ConvNeXtArch.Small => (96, [3, 3, 27, 3]),
            ConvNeXtArch.Base => (128, [3, 3, 27, 3]),
            ConvNeXtArch.Large => (192, [3, 3, 27, 3]),
            ConvNeXtArch.Xlarge => (256, [3, 3, 27, 3]),
            _ => (352, [3, 3, 27, 3]),
        };
        depths = options.Depths ?? depths;
        int[] channels = options.Channels ?? [.. depths.Select((_, i) => first << i)];
        if (channels.Length != depths.Length)
            throw new UserErrorException(
                $"{nameof(ConvNeXt)}: channels has {channels.Length} values, but there are {depths.Length} stages by depths."
            );
        StageOptions.Positive(nameof(ConvNeXt), ("depths", depths), ("channels", channels));
        return (depths, channels);
    }
}
