using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.DenseNets;

/// <summary>How a <see cref="DenseNet"/> begins.</summary>
public enum DenseNetStem
{
    /// <summary>A 7x7 convolution of stride 2, then a max pool of stride 2: stride 4.</summary>
    Standard,

    /// <summary>One 3x3 convolution of stride 1 and no pool, for images of 32 to 64 pixels: stride 1.</summary>
    Small,
}

/// <param name="Depth">121, 161, 169 or 201 layers, with growth and stem as published.</param>
/// <param name="GrowthRate">Channels that every layer adds: 32, but 48 for depth 161. Instead of the depth's.</param>
/// <param name="StageLayers">Layers of each stage, instead of the depth's.</param>
/// <param name="StemChannels">Channels after the stem; twice the growth rate by default.</param>
/// <param name="BottleneckFactor">Channels between a layer's two convolutions, over the growth rate.</param>
/// <param name="Stem">The first layers: "standard" or "small".</param>
/// <param name="DropRate">Dropout of what a layer adds.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. A map is a stage's output before the transition to the
/// next; the last stage's is normed. Stages after the last of them are not built.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
public sealed record DenseNetOptions(
    [property: AllowedValues(121, 161, 169, 201)] int Depth = 121,
    [property: Range(1, 1024)] int? GrowthRate = null,
    [property: MinLength(1)] int[]? StageLayers = null,
    [property: Range(2, 4096)] int? StemChannels = null,
    [property: Range(1, 64)] int BottleneckFactor = 4,
    DenseNetStem Stem = DenseNetStem.Standard,
    [property: Range(0, 0.99)] double DropRate = 0,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1
);

/// <summary>Every layer reads what all layers of its stage before it gave.</summary>
/// <remarks>
/// Huang et al., "Densely Connected Convolutional Networks", 2016, arXiv:1608.06993, form BC, table 1. Reads and writes torchvision's (also
/// the older form of its files, norm.1), timm's and MMPretrain's names. Transitions halve H and W rounded down, as published.
/// </remarks>
[Component("DenseNet")]
public sealed class DenseNet : StagedBackbone
{
    private readonly int[] _layers;

    public DenseNet(DenseNetOptions options)
        : this(options, LayersOf(options)) { }

    private DenseNet(DenseNetOptions options, int[] layers)
        : base(Plan(options, layers))
    {
        _layers = layers;
        foreach (var convolution in modules().OfType<TorchSharp.Modules.Conv2d>())
            init.kaiming_normal_(convolution.weight!);
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => DenseNetKeys.Of(_layers);

    private static int[] LayersOf(DenseNetOptions options)
    {
        int[] layers =
            options.StageLayers
            ?? options.Depth switch
            {
                121 => [6, 12, 24, 16],
                161 => [6, 12, 36, 24],
                169 => [6, 12, 32, 32],
                _ => [6, 12, 48, 32],
            };
        StageOptions.Positive(nameof(DenseNet), ("stage_layers", layers));
        return layers;
    }

    private static StagedPlan Plan(DenseNetOptions options, int[] layers)
    {
        var given = StageOptions.Indices(nameof(DenseNet), options.OutIndices, layers.Length);
        var growth = options.GrowthRate ?? (options.Depth == 161 ? 48 : 32);
        var (width, stride) = (options.StemChannels ?? 2 * growth, options.Stem == DenseNetStem.Small ? 1 : 4);
        var style = new DenseStyle(
            growth,
            options.BottleneckFactor * growth,
            options.DropRate,
            new NormSettings(options.NormEps, options.NormMomentum)
        );
        var parts = new List<StagePart> { new("stem", new DenseStem(options.InChannels, width, options.Stem, style.Norm), width, stride) };
        for (var i = 0; i <= given[^1]; i++)
        {
            var stage = new DenseStage(width, layers[i], style, begins: i == 0, ends: i == layers.Length - 1);
            (width, stride) = (stage.Channels, i == 0 ? stride : stride * 2);
            parts.Add(new StagePart($"stage{i + 1}", stage, width, stride));
        }
        // The stem rounds up, transitions round down: the smallest side that leaves a pixel.
        var least =
            options.Stem == DenseNetStem.Small ? stride
            : stride == 4 ? 1
            : stride - 3;
        return new StagedPlan(nameof(DenseNet), parts, [.. given.Select(i => i + 1)], options.FrozenStages, options.NormEval, least);
    }
}
