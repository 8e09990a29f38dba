using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.RegNets;

/// <summary>Published sizes as timm counts them: 004 takes 400 million multiply-adds for an image of 224 pixels, 016 takes 1.6 billion. The
/// Y networks weigh channels.</summary>
public enum RegNetArch
{
    X002,
    X004,
    X006,
    X008,
    X016,
    X032,
    X040,
    X064,
    X080,
    X120,
    X160,
    X320,
    Y002,
    Y004,
    Y006,
    Y008,
    Y016,
    Y032,
    Y040,
    Y064,
    Y080,
    Y120,
    Y160,
    Y320,
    Y640,
    Y1280,
}

/// <param name="Arch">The published parameters below: "x002" … "x320" without, "y002" … "y1280" with weighed channels. 004 is 400MF, 016
/// 1.6GF.</param>
/// <param name="Depth">Blocks of all stages together, instead of the arch's.</param>
/// <param name="W0">Channels of the first block, before they are rounded; a multiple of 8. Instead of the arch's.</param>
/// <param name="Wa">By how much channels grow with each block, before they are rounded. Instead of the arch's.</param>
/// <param name="Wm">The factor between the widths of stages. Instead of the arch's.</param>
/// <param name="GroupSize">Channels of a group of the 3x3 convolutions, instead of the arch's.</param>
/// <param name="BottleRatio">Width inside a block over its width.</param>
/// <param name="SeRatio">Width between the two layers that weigh channels, over the block's input; 0: they aren't weighed. Instead of the
/// arch's, which is 0.25 for Y.</param>
/// <param name="GroupMinRatio">Widths are rounded to whole groups, and up where less than this share would be left. 0: to the nearest, as
/// pycls, timm and MMPretrain; torchvision's networks have 0.9, which matters for x004, y008 and y080 alone.</param>
/// <param name="StemChannels">Channels after the stem.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="OutIndices">Stages whose maps are given, from 0; all by default. Stages after the last of them are not built.</param>
/// <param name="OutputStride">Total stride: later stages trade stride for dilation.</param>
/// <param name="ContractDilation">A dilated stage's first block keeps the dilation of the stage before, as timm has it.</param>
/// <param name="StemStride">Stride of the first convolution; 1 for images of 32 to 64 pixels.</param>
/// <param name="DropPathRate">Stochastic depth: rate at the last block, rising linearly from 0 at the first.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; n: also the first n stages. Frozen norms keep their statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="NormEps">What batch norms add to variances.</param>
/// <param name="NormMomentum">The share of a batch in batch norms' running statistics.</param>
/// <param name="ZeroInitResidual">The last norm of every residual branch starts at 0.</param>
public sealed record RegNetOptions(
    RegNetArch Arch = RegNetArch.X002,
    [property: Range(1, 256)] int? Depth = null,
    [property: Range(8, 4096)] int? W0 = null,
    [property: Range(0, 4096)] double? Wa = null,
    [property: Range(1.001, 64)] double? Wm = null,
    [property: Range(1, 4096)] int? GroupSize = null,
    [property: Range(0.01, 16)] double BottleRatio = 1,
    [property: Range(0, 4)] double? SeRatio = null,
    [property: Range(0, 1)] double GroupMinRatio = 0,
    [property: Range(1, 4096)] int StemChannels = 32,
    [property: Range(1, 1024)] int InChannels = 3,
    [property: MinLength(1)] int[]? OutIndices = null,
    [property: AllowedValues(2, 4, 8, 16, 32, null)] int? OutputStride = null,
    bool ContractDilation = true,
    [property: AllowedValues(1, 2)] int StemStride = 2,
    [property: Range(0, 0.99)] double DropPathRate = 0,
    [property: Range(-1, 16)] int FrozenStages = -1,
    bool NormEval = false,
    [property: Range(1e-12, 1)] double NormEps = 1e-5,
    [property: Range(0, 1)] double NormMomentum = 0.1,
    bool ZeroInitResidual = true
);

/// <summary>Grouped bottlenecks whose widths grow along a line, found by narrowing a space of designs.</summary>
/// <remarks>
/// Radosavovic et al., "Designing Network Design Spaces", 2020, arXiv:2003.13678, tables of section 5 and appendix. Reads and writes
/// torchvision's, timm's and MMPretrain's names.
/// </remarks>
[Component("RegNet")]
public sealed class RegNet : StagedBackbone
{
    private readonly RegNetPlan _plan;

    public RegNet(RegNetOptions options)
        : this(options, new RegNetPlan(options)) { }

    private RegNet(RegNetOptions options, RegNetPlan plan)
        : base(
            new StagedPlan(
                nameof(RegNet),
                [.. Parts(options, plan)],
                [.. plan.OutIndices.Select(i => i + 1)],
                options.FrozenStages,
                options.NormEval
            )
        )
    {
        _plan = plan;
        Weights.FanOut(this);
        if (options.ZeroInitResidual)
            foreach (var block in modules().OfType<RegNetBlock>())
                init.zeros_(block.LastNorm.weight!);
    }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => RegNetKeys.Of(_plan);

    private static IEnumerable<StagePart> Parts(RegNetOptions options, RegNetPlan plan)
    {
        var norm = new NormSettings(options.NormEps, options.NormMomentum);
        var (width, total, dilation, block) = (options.StemChannels, options.StemStride, 1, 0);
        yield return new StagePart(
            "stem",
            new ConvNorm(new ConvShape(options.InChannels, width, 3, total), norm, Activation.Relu),
            width,
            total
        );
        var rates = DropPath.Linear(options.DropPathRate, plan.Stages.Sum(stage => stage.Depth));
        foreach (var (i, stage) in plan.Stages.Take(plan.OutIndices[^1] + 1).Index())
        {
            var (stride, before) = (2, dilation);
            if (total * stride > (options.OutputStride ?? int.MaxValue))
                (stride, dilation) = (1, dilation * stride);
            total *= stride;
            var blocks = new List<Module<Tensor, Tensor>>();
            for (var j = 0; j < stage.Depth; j++)
            {
                var own = j == 0 && options.ContractDilation ? before : dilation;
                blocks.Add(new RegNetBlock(stage, width, j == 0 ? stride : 1, own, rates[block++], norm));
                width = stage.Width;
            }
            yield return new StagePart($"layer{i + 1}", Sequential(blocks), width, total);
        }
    }
}

/// <summary>1x1, grouped 3x3, perhaps weights for channels, 1x1; what comes in is added, by a projection where it doesn't fit.</summary>
/// <remarks>Parameters are named as in timm: conv1.conv, conv1.bn, se, downsample.</remarks>
internal sealed class RegNetBlock : Module<Tensor, Tensor>
{
    private readonly ConvNorm conv1;
    private readonly ConvNorm conv2;
    private readonly SqueezeExcitation? se;
    private readonly ConvNorm conv3;
    private readonly ConvNorm? downsample;
    private readonly DropPath? drop_path;

    public RegNetBlock(RegNetStage stage, int width, int stride, int dilation, double dropRate, NormSettings norm)
        : base(nameof(RegNetBlock))
    {
        var inside = stage.Inside;
        conv1 = new ConvNorm(new ConvShape(width, inside, 1), norm, Activation.Relu);
        conv2 = new ConvNorm(new ConvShape(inside, inside, 3, stride, dilation, inside / stage.GroupSize), norm, Activation.Relu);
        se = stage.SeRatio > 0 ? new SqueezeExcitation(inside, Squeezed(width, stage.SeRatio), Activation.Relu, hard: false) : null;
        conv3 = new ConvNorm(new ConvShape(inside, stage.Width, 1), norm, Activation.None);
        downsample =
            stride == 1 && width == stage.Width ? null : new ConvNorm(new ConvShape(width, stage.Width, 1, stride), norm, Activation.None);
        drop_path = dropRate > 0 ? new DropPath(dropRate) : null;
        RegisterComponents();
    }

    /// <summary>The norm that ends the residual branch.</summary>
    public BatchNorm2d LastNorm => conv3.Norm;

    /// <param name="x">[B, width, H, W].</param>
    /// <returns>[B, stage.Width, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var y = conv2.call(conv1.call(x));
        y = conv3.call(se is null ? y : se.call(y));
        if (drop_path is not null)
            y = drop_path.call(y);
        return scope.MoveToOuter(Rectifier.InPlace(y.add_(downsample is null ? x : downsample.call(x))));
    }

    private static int Squeezed(int width, double ratio) => Math.Max(1, (int)Math.Round(width * ratio));
}
