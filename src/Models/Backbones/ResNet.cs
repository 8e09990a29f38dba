using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

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
public sealed class ResNet : Backbone, IChainedBackbone
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly BatchNorm2d bn1;
    private readonly MaxPool2d? maxpool;
    private readonly Sequential layer1;
    private readonly Sequential? layer2;
    private readonly Sequential? layer3;
    private readonly Sequential? layer4;

    private readonly ResNetOptions _options;
    private readonly int[] _outIndices;

    public ResNet(ResNetOptions options)
        : base(nameof(ResNet))
    {
        _options = options;
        var plan = new ResNetPlan(options);
        _outIndices = plan.OutIndices;

        var stem = options.StemChannels ?? options.BaseChannels;
        conv1 = options.Stem switch
        {
            ResNetStem.Standard => Conv2d(options.InChannels, stem, 7, stride: 2, padding: 3, bias: false),
            ResNetStem.Small => Conv2d(options.InChannels, stem, 3, padding: 1, bias: false),
            _ => Sequential(
                Conv2d(options.InChannels, stem / 2, 3, stride: 2, padding: 1, bias: false),
                BatchNorm2d(stem / 2),
                ReLU(true),
                Conv2d(stem / 2, stem / 2, 3, padding: 1, bias: false),
                BatchNorm2d(stem / 2),
                ReLU(true),
                Conv2d(stem / 2, stem, 3, padding: 1, bias: false)
            ),
        };
        bn1 = BatchNorm2d(stem);
        maxpool = options.Stem == ResNetStem.Small ? null : MaxPool2d(3, stride: 2, padding: 1);

        var width = stem;
        var stages = plan.Stages.Select(stage => Stage(stage, ref width)).ToArray();
        layer1 = stages[0];
        layer2 = stages.ElementAtOrDefault(1);
        layer3 = stages.ElementAtOrDefault(2);
        layer4 = stages.ElementAtOrDefault(3);
        RegisterComponents();

        OutChannels = [.. _outIndices.Select(i => plan.Stages[i].OutChannels)];
        OutStrides = [.. _outIndices.Select(i => plan.Stages[i].TotalStride)];
        Weights.Convolutional(this);
        if (options.ZeroInitResidual)
            foreach (var block in modules().OfType<ResNetBlock>())
                init.zeros_(block.LastNorm.weight!);
        FrozenParts.Freeze(Frozen());
        train();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => ResNetKeys.Of(_options);

    /// <summary>A stage is a block.</summary>
    public override ParameterLayers LayersByDepth =>
        new([nameof(conv1), nameof(bn1)], [.. Stages.Select((_, i) => new[] { $"layer{i + 1}" })]);

    private IEnumerable<Sequential> Stages => new[] { layer1, layer2, layer3, layer4 }.OfType<Sequential>();

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>One map for each of OutIndices, [B, C, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = Begin(images);
        var maps = new List<Tensor>();
        foreach (var (i, stage) in Stages.Index())
        {
            x = stage.call(x);
            if (_outIndices.Contains(i))
                maps.Add(x);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    /// <summary>The stem, then every residual block.</summary>
    public IReadOnlyList<ChainStep> Chain(int height, int width) =>
        [
            new ChainStep("stem", [nameof(conv1), nameof(bn1)], Begin),
            .. from stage in Stages.Index()
            from block in stage.Item.children().Index()
            let name = $"layer{stage.Index + 1}.{block.Index}"
            select new ChainStep(name, [name], ((Module<Tensor, Tensor>)block.Item).call),
        ];

    /// <summary>Frozen norms stay in evaluation mode.</summary>
    public override void train(bool train = true)
    {
        base.train(train);
        if (train)
            FrozenParts.KeepNorms(_options.NormEval ? [this] : Frozen());
    }

    private Tensor Begin(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = Rectifier.InPlace(ConvThenNorm.Run(conv1, bn1, images));
        return scope.MoveToOuter(maxpool is null ? x : maxpool.call(x));
    }

    private IEnumerable<Module> Frozen() =>
        _options.FrozenStages < 0 ? [] : new Module[] { conv1, bn1 }.Concat(Stages.Take(_options.FrozenStages));

    private int SecondDilation(ResNetStage stage, int block) =>
        _options.BasicDilation switch
        {
            BasicDilation.First => 1,
            BasicDilation.Both => stage.Dilations[block],
            _ => stage.Uncontracted[block],
        };

    private Sequential Stage(ResNetStage stage, ref int width)
    {
        var blocks = new List<Module<Tensor, Tensor>>();
        for (var i = 0; i < stage.Dilations.Length; i++)
        {
            var stride = i == 0 ? stage.Stride : 1;
            var shape = new ResNetBlockShape(width, stage.Planes, stride, stage.Dilations[i], _options.AvgDown)
            {
                Projects = i == 0 && _options.ProjectFirst,
            };
            blocks.Add(
                _options.Depth < 50
                    ? new BasicBlock(shape, SecondDilation(stage, i))
                    : new Bottleneck(shape, _options.Groups, _options.BaseWidth, _options.Style)
            );
            width = stage.OutChannels;
        }
        return Sequential(blocks);
    }
}
