namespace Tessera.Models.Backbones;

/// <summary>How a <see cref="ResNet"/> begins.</summary>
public enum ResNetStem
{
    /// <summary>A 7x7 convolution of stride 2, then a max pool of stride 2: stride 4.</summary>
    Standard,

    /// <summary>Three 3x3 convolutions, the first of stride 2, then a max pool of stride 2 (ResNet-C and -D): stride 4.</summary>
    Deep,

    /// <summary>One 3x3 convolution of stride 1 and no pool, for images of 32 to 64 pixels: stride 1.</summary>
    Small,
}

/// <summary>Which convolutions of a dilated stage's basic blocks are dilated.</summary>
public enum BasicDilation
{
    /// <summary>The first of the two, as in MMSegmentation.</summary>
    First,

    /// <summary>Both, as in openseg and the networks it takes its weights from.</summary>
    Both,

    /// <summary>Both; in a block that keeps the dilation of the stage before, only the first does, as in timm.</summary>
    Uncontracted,
}

/// <summary>Where the stride of a bottleneck lies.</summary>
public enum ResNetStyle
{
    /// <summary>On the 3x3 convolution, as in torchvision.</summary>
    Pytorch,

    /// <summary>On the first 1x1 convolution, as in the paper and in weights that came from Caffe.</summary>
    Caffe,
}

/// <param name="Depth">18, 34 (basic blocks), 50, 101 or 152 (bottlenecks).</param>
/// <param name="Groups">Groups of the 3x3 convolutions; 32 or 64 make a ResNeXt. Bottlenecks only.</param>
/// <param name="BaseWidth">Width of a group of the first stage when base_channels is 64: 4 or 8 for ResNeXt, 128 for Wide-ResNet.
/// Bottlenecks only.</param>
/// <param name="BaseChannels">Channels of the first stage's blocks, doubled by every stage.</param>
/// <param name="StemChannels">Channels after the stem; base_channels by default.</param>
/// <param name="StageBlocks">Blocks of each stage, instead of the depth's; the depth then only tells basic blocks from bottlenecks.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="Stem">The first layers: "standard", "deep" or "small".</param>
/// <param name="AvgDown">Shortcuts shrink by average pooling, then a 1x1 convolution (ResNet-D).</param>
/// <param name="ProjectFirst">Every stage's first block has a projection as its shortcut, even where the input would fit (the ResNet-18 and
/// -34 "vd" of PaddlePaddle).</param>
/// <param name="Strides">Stride of each stage; 1, 2, 2, 2 by default.</param>
/// <param name="Dilations">Dilation of each stage's 3x3 convolutions; 1 by default.</param>
/// <param name="OutputStride">Total stride: later stages trade stride for dilation. Instead of strides and dilations.</param>
/// <param name="ContractDilation">A dilated stage's first block keeps the dilation of the stage before, as torchvision has it.</param>
/// <param name="MultiGrid">Factors on the dilation of the last stage's blocks, one for each block.</param>
/// <param name="BasicDilation">Which convolutions of basic blocks are dilated: "first" alone, "both", or "uncontracted", both but in timm's
/// way.</param>
/// <param name="Style">Where a bottleneck's stride lies: "pytorch", its 3x3 convolution; "caffe", its first 1x1.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0. Stages after the last of them are not built.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="ZeroInitResidual">The last norm of every residual branch starts at 0.</param>
public sealed record ResNetOptions(
    [property: AllowedValues(18, 34, 50, 101, 152)] int Depth = 50,
    [property: Range(1, 1024)] int Groups = 1,
    [property: Range(1, 4096)] int BaseWidth = 64,
    [property: Range(1, 4096)] int BaseChannels = 64,
    [property: Range(2, 4096)] int? StemChannels = null,
    [property: MinLength(1)] int[]? StageBlocks = null,
    [property: Range(1, 1024)] int InChannels = 3,
    ResNetStem Stem = ResNetStem.Standard,
    bool AvgDown = false,
    bool ProjectFirst = false,
    [property: MinLength(1)] int[]? Strides = null,
    [property: MinLength(1)] int[]? Dilations = null,
    [property: AllowedValues(4, 8, 16, 32, null)] int? OutputStride = null,
    bool ContractDilation = true,
    [property: MinLength(1)] int[]? MultiGrid = null,
    [property: EarlierDefault(BasicDilation.Both)] BasicDilation BasicDilation = BasicDilation.First,
    ResNetStyle Style = ResNetStyle.Pytorch,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    bool ZeroInitResidual = true
);

/// <summary>Residual network; also ResNeXt, Wide-ResNet and ResNet-C and -D, by options.</summary>
/// <remarks>
/// He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385. Xie et al., "Aggregated Residual
/// Transformations", 2016, arXiv:1611.05431. Zagoruyko and Komodakis, "Wide Residual Networks", 2016, arXiv:1605.07146.
/// He et al., "Bag of Tricks", 2018, arXiv:1812.01187 (C and D). As usual since 2016, a bottleneck's stride lies on its
/// 3x3 convolution, unless style is "caffe". Parameter names are torchvision's and timm's.
/// </remarks>
[Component("ResNet")]
public sealed class ResNet(ResNetOptions options)
    : ResidualBackbone(
        nameof(ResNet),
        options,
        (shape, secondDilation) =>
            options.Depth < 50
                ? new BasicBlock(shape, secondDilation)
                : new Bottleneck(shape, options.Groups, options.BaseWidth, options.Style)
    );
