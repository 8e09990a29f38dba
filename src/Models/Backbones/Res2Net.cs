using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <param name="Depth">50, 101 or 152.</param>
/// <param name="Scales">Parts that a block's inside is cut into, each of which sees what the one before it saw.</param>
/// <param name="BaseWidth">Channels of a part in the first stage when base_channels is 64: 26 with 4 scales ("26w4s"); 48 with 2; 14 with
/// 8.</param>
/// <param name="Groups">Groups of the 3x3 convolutions; 8 with base_width 4 is Res2NeXt-50.</param>
/// <param name="BaseChannels">Channels of the first stage's blocks, doubled by every stage.</param>
/// <param name="StemChannels">Channels after the stem; base_channels by default.</param>
/// <param name="StageBlocks">Blocks of each stage, instead of the depth's.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="Stem">The first layers: "standard", "deep" (v1b and v1d, MMDetection's default) or "small".</param>
/// <param name="AvgDown">Shortcuts shrink by average pooling, then a 1x1 convolution (v1b and v1d, MMDetection's default).</param>
/// <param name="Strides">Stride of each stage; 1, 2, 2, 2 by default.</param>
/// <param name="Dilations">Dilation of each stage's 3x3 convolutions; 1 by default.</param>
/// <param name="OutputStride">Total stride: later stages trade stride for dilation. Instead of strides and dilations.</param>
/// <param name="ContractDilation">A dilated stage's first block keeps the dilation of the stage before.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0. Stages after the last of them are not built.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="ZeroInitResidual">The last norm of every residual branch starts at 0.</param>
public sealed record Res2NetOptions(
    [property: AllowedValues(50, 101, 152)] int Depth = 50,
    [property: Range(2, 64)] int Scales = 4,
    [property: Range(1, 4096)] int BaseWidth = 26,
    [property: Range(1, 1024)] int Groups = 1,
    [property: Range(1, 4096)] int BaseChannels = 64,
    [property: Range(2, 4096)] int? StemChannels = null,
    [property: MinLength(1)] int[]? StageBlocks = null,
    [property: Range(1, 1024)] int InChannels = 3,
    ResNetStem Stem = ResNetStem.Standard,
    bool AvgDown = false,
    [property: MinLength(1)] int[]? Strides = null,
    [property: MinLength(1)] int[]? Dilations = null,
    [property: AllowedValues(4, 8, 16, 32, null)] int? OutputStride = null,
    bool ContractDilation = true,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    bool ZeroInitResidual = true
)
{
    internal ResNetOptions AsResNet() =>
        new(
            Depth,
            Groups,
            BaseWidth,
            BaseChannels,
            StemChannels,
            StageBlocks,
            InChannels,
            Stem,
            AvgDown,
            Strides: Strides,
            Dilations: Dilations,
            OutputStride: OutputStride,
            ContractDilation: ContractDilation,
            OutIndices: OutIndices,
            FrozenStages: FrozenStages,
            NormEval: NormEval,
            ZeroInitResidual: ZeroInitResidual
        );
}

/// <summary>A residual network whose blocks see at several scales.</summary>
/// <remarks>
/// Gao et al., "Res2Net: A New Multi-scale Backbone Architecture", 2019, arXiv:1904.01169. Parameters are named as in Res2Net's own code,
/// timm and MMLab.
/// </remarks>
[Component("Res2Net")]
public sealed class Res2Net(Res2NetOptions options)
    : ResidualBackbone(
        nameof(Res2Net),
        options.AsResNet(),
        (shape, _) => new Res2NetBlock(shape, options.Scales, options.BaseWidth, options.Groups)
    );

/// <summary>A bottleneck whose inside is cut into parts: each but the last goes through a 3x3 convolution, after what came out of the one
/// before was added; the last passes by.</summary>
internal sealed class Res2NetBlock : ResNetBlock
{
    private const int Expansion = 4;

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly ModuleList<Conv2d> convs = new();
    private readonly ModuleList<BatchNorm2d> bns = new();
    private readonly AvgPool2d? pool;
    private readonly Conv2d conv3;
    private readonly BatchNorm2d bn3;
    private readonly Sequential? downsample;
    private readonly int _scales;

    public Res2NetBlock(ResNetBlockShape shape, int scales, int baseWidth, int groups)
        : base(nameof(Res2NetBlock))
    {
        _scales = scales;
        var width = (int)(shape.Planes * (baseWidth / 64.0)) * groups;
        if (width == 0)
            throw new UserErrorException($"{nameof(Res2Net)}: base_width {baseWidth} leaves no channels of {shape.Planes}.");
        conv1 = Conv2d(shape.Width, width * scales, 1, bias: false);
        bn1 = BatchNorm2d(width * scales);
        for (var i = 0; i < scales - 1; i++)
        {
            convs.Add(
                Conv2d(
                    width,
                    width,
                    3,
                    stride: shape.Stride,
                    padding: shape.Dilation,
                    dilation: shape.Dilation,
                    groups: groups,
                    bias: false
                )
            );
            bns.Add(BatchNorm2d(width));
        }
        conv3 = Conv2d(width * scales, shape.Planes * Expansion, 1, bias: false);
        bn3 = BatchNorm2d(shape.Planes * Expansion);
        downsample = shape.Downsample(shape.Planes * Expansion);
        pool = downsample is null ? null : AvgPool2d(3, stride: shape.Stride, padding: 1);
        RegisterComponents();
    }

    public override BatchNorm2d LastNorm => bn3;

    /// <param name="x">[B, Width, H, W].</param>
    /// <returns>[B, 4 · Planes, ⌈H / Stride⌉, ⌈W / Stride⌉].</returns>
    private protected override Tensor Compute(Tensor x)
    {
        using var scope = NewDisposeScope();
        var parts = ConvThenNorm.Rectified(conv1, bn1, x).chunk(_scales, 1);
        var seen = new Tensor[_scales];
        for (var i = 0; i < _scales - 1; i++)
        {
            // A stage's first block, which the pool tells, looks at each part alone.
            var part = i == 0 || pool is not null ? parts[i] : parts[i] + seen[i - 1];
            seen[i] = ConvThenNorm.Rectified(convs[i], bns[i], part);
        }
        seen[^1] = pool is null ? parts[^1] : pool.call(parts[^1]);
        var branch = ConvThenNorm.Run(conv3, bn3, cat(seen, 1));
        return scope.MoveToOuter(Rectifier.InPlace(branch.add_(downsample is null ? x : ConvThenNorm.Run(downsample, x))));
    }
}
