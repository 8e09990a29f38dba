using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Published sizes: the width of the branch of stride 4. The small ones have fewer blocks and modules; v1 is narrower,
/// too.</summary>
public enum HRNetArch
{
    W18Small,
    W18SmallV2,
    W18,
    W30,
    W32,
    W40,
    W44,
    W48,
    W64,
}

/// <summary>How a branch of lower resolution is brought to a higher one.</summary>
public enum HRNetUpsample
{
    /// <summary>Pixels are repeated, as in the authors' ImageNet networks, timm, MMPretrain and MMDetection.</summary>
    Nearest,

    /// <summary>Bilinear: corner to corner in the authors' segmentation networks and openseg, edge to edge in MMSegmentation; see
    /// align_corners.</summary>
    Bilinear,
}

/// <param name="Arch">As published: "w18_small" (v1), "w18_small_v2" (MMSegmentation's hr18s), "w18", "w30", "w32", "w40", "w44", "w48" or
/// "w64".</param>
/// <param name="Channels">Channels of the branch of stride 4, doubled by each further branch, instead of the arch's.</param>
/// <param name="Layer1Channels">Channels inside the bottlenecks before the first branching, a quarter of what they give, instead of the
/// arch's.</param>
/// <param name="StageModules">Exchange modules of stages 2, 3 and 4, instead of the arch's.</param>
/// <param name="StageBlocks">Bottlenecks of layer1, then basic blocks in each branch of a module of stages 2, 3 and 4, instead of the
/// arch's.</param>
/// <param name="StemChannels">Channels of the two first convolutions.</param>
/// <param name="InChannels">Channels of the image.</param>
/// <param name="MultiScaleOutput">All four maps are given; otherwise only that of stride 4, and what only the others need is not
/// built.</param>
/// <param name="Classification">The maps are joined to one of 2,048 channels and stride 32, as in the published ImageNet
/// classifiers.</param>
/// <param name="Upsample">Between branches: "nearest" or "bilinear".</param>
/// <param name="AlignCorners">With bilinear: corner pixels lie on corner pixels, as in openseg; false as in MMSegmentation.</param>
/// <param name="FrozenStages">-1: nothing; 0: the stem is frozen; 1: also layer1; 2 to 4: also the stages up to it. Frozen norms keep their
/// statistics.</param>
/// <param name="NormEval">All norms keep their statistics in training.</param>
/// <param name="ZeroInitResidual">The last norm of every residual branch starts at 0.</param>
public sealed record HRNetOptions(
    HRNetArch Arch = HRNetArch.W18,
    [property: Range(1, 1024)] int? Channels = null,
    [property: Range(1, 1024)] int? Layer1Channels = null,
    [property: Length(3, 3)] int[]? StageModules = null,
    [property: Length(4, 4)] int[]? StageBlocks = null,
    [property: Range(1, 1024)] int StemChannels = 64,
    [property: Range(1, 1024)] int InChannels = 3,
    bool MultiScaleOutput = true,
    bool Classification = false,
    [property: EarlierDefault(HRNetUpsample.Nearest)] HRNetUpsample Upsample = HRNetUpsample.Nearest,
    [property: EarlierDefault(true)] bool AlignCorners = true,
    [property: Range(-1, 4)] int FrozenStages = -1,
    bool NormEval = false,
    bool ZeroInitResidual = false
);

/// <summary>High-resolution network: branches of stride 4, 8, 16 and 32 side by side, which exchange what they know time and
/// again.</summary>
/// <remarks>
/// Wang et al., "Deep High-Resolution Representation Learning for Visual Recognition", 2019, arXiv:1908.07919. Parameter
/// names are those of the authors' ImageNet checkpoints. Departs from them at sizes that are no multiple of 32, which
/// they can't take: a branch is enlarged to the size that the higher one has.
/// </remarks>
[Component("HRNet")]
public sealed class HRNet : Backbone
{
    private const int Branches = 4;

    private static readonly int[] _headChannels = [128, 256, 512, 1024, 2048];

    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;
    private readonly Conv2d conv2;
    private readonly BatchNorm2d bn2;
    private readonly Sequential layer1;
    private readonly ModuleList<Module<Tensor, Tensor>> transition1;
    private readonly ModuleList<HRNetModule> stage2;
    private readonly ModuleList<Module<Tensor, Tensor>> transition2;
    private readonly ModuleList<HRNetModule> stage3;
    private readonly ModuleList<Module<Tensor, Tensor>> transition3;
    private readonly ModuleList<HRNetModule> stage4;
    private readonly ModuleList<Sequential>? incre_modules;
    private readonly ModuleList<Sequential>? downsamp_modules;
    private readonly Sequential? final_layer;

    private readonly HRNetOptions _options;

    public HRNet(HRNetOptions options)
        : base(nameof(HRNet))
    {
        _options = options;
        var plan = new HRNetPlan(options);
        conv1 = Halving(options.InChannels, options.StemChannels);
        bn1 = BatchNorm2d(options.StemChannels);
        conv2 = Halving(options.StemChannels, options.StemChannels);
        bn2 = BatchNorm2d(options.StemChannels);
        layer1 = Bottlenecks(options.StemChannels, plan.Layer1Channels, plan.Blocks[0]);
        transition1 = Transition([plan.Layer1Channels * 4], plan.Channels(2));
        stage2 = Stage(plan, 2);
        transition2 = Transition(plan.Channels(2), plan.Channels(3));
        stage3 = Stage(plan, 3);
        transition3 = Transition(plan.Channels(3), plan.Channels(4));
        stage4 = Stage(plan, 4);
        var channels = plan.Channels(Branches);
        if (options.Classification)
        {
            incre_modules = new([.. channels.Select((width, i) => Bottlenecks(width, _headChannels[i] / 4, 1))]);
            downsamp_modules = new([
                .. Enumerable
                    .Range(0, Branches - 1)
                    .Select(i =>
                        Sequential(
                            Conv2d(_headChannels[i], _headChannels[i + 1], 3, stride: 2, padding: 1),
                            BatchNorm2d(_headChannels[i + 1]),
                            ReLU(true)
                        )
                    ),
            ]);
            final_layer = Sequential(Conv2d(_headChannels[^2], _headChannels[^1], 1), BatchNorm2d(_headChannels[^1]), ReLU(true));
        }
        RegisterComponents();

        OutChannels =
            options.Classification ? [_headChannels[^1]]
            : options.MultiScaleOutput ? channels
            : channels[..1];
        OutStrides =
            options.Classification ? [32]
            : options.MultiScaleOutput ? [4, 8, 16, 32]
            : [4];
        Weights.Convolutional(this);
        if (options.ZeroInitResidual)
            foreach (var block in modules().OfType<ResNetBlock>())
                init.zeros_(block.LastNorm.weight!);
        FrozenParts.Freeze(Frozen());
        train();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps => HRNetKeys.Maps;

    public override string? OptionsOf(string? project, IReadOnlyCollection<string> tensors) =>
        _options.Upsample != HRNetUpsample.Nearest ? null : HRNetKeys.UpsampleOf(tensors);

    /// <summary>A stage is a block, with the transition to it; what joins the maps for classification is last.</summary>
    public override ParameterLayers LayersByDepth =>
        new(
            [nameof(conv1), nameof(bn1), nameof(conv2), nameof(bn2)],
            [
                [nameof(layer1)],
                [nameof(transition1), nameof(stage2)],
                [nameof(transition2), nameof(stage3)],
                [nameof(transition3), nameof(stage4)],
            ]
        );

    /// <param name="images">Normalized images, [B, InChannels, H, W], of any size.</param>
    /// <returns>Maps of stride 4, 8, 16 and 32, [B, C · 2^i, ⌈H / stride⌉, ⌈W / stride⌉]; for classification only one of stride 32, [B,
    /// 2048, …].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = ConvThenNorm.Rectified(conv1, bn1, images);
        x = layer1.call(ConvThenNorm.Rectified(conv2, bn2, x));
        Tensor[] maps = [x];
        maps = Run(stage2, Branch(transition1, maps));
        maps = Run(stage3, Branch(transition2, maps));
        maps = Run(stage4, Branch(transition3, maps));
        if (_options.Classification)
            maps = [Joined(maps)];
        scope.MoveToOuter(maps);
        return maps;
    }

    /// <summary>Frozen norms stay in evaluation mode.</summary>
    public override void train(bool train = true)
    {
        base.train(train);
        if (train)
            FrozenParts.KeepNorms(_options.NormEval ? [this] : Frozen());
    }

    private IEnumerable<Module> Frozen()
    {
        Module[][] parts =
        [
            [conv1, bn1, conv2, bn2],
            [layer1],
            [transition1, stage2],
            [transition2, stage3],
            [transition3, stage4],
        ];
        return parts.Take(_options.FrozenStages + 1).SelectMany(part => part);
    }

    private Tensor Joined(Tensor[] maps)
    {
        var joined = incre_modules![0].call(maps[0]);
        for (var i = 1; i < maps.Length; i++)
            joined = downsamp_modules![i - 1].call(joined) + incre_modules[i].call(maps[i]);
        return final_layer!.call(joined);
    }

    // New branches begin at the last of the old.
    private static Tensor[] Branch(ModuleList<Module<Tensor, Tensor>> transition, Tensor[] maps) =>
        [.. transition.Select((layer, i) => layer.call(maps[Math.Min(i, maps.Length - 1)]))];

    private static Tensor[] Run(ModuleList<HRNetModule> stage, Tensor[] maps)
    {
        foreach (var module in stage)
            maps = module.call(maps);
        return maps;
    }

    private ModuleList<HRNetModule> Stage(HRNetPlan plan, int branches)
    {
        var count = plan.Modules[branches - 2];
        return new([
            .. Enumerable
                .Range(1, count)
                .Select(i => new HRNetModule(
                    plan.Channels(branches),
                    plan.Blocks[branches - 1],
                    branches == Branches && i == count && !_options.MultiScaleOutput ? 1 : branches,
                    _options
                )),
        ]);
    }

    private static ModuleList<Module<Tensor, Tensor>> Transition(int[] before, int[] after) =>
        new([
            .. after.Select(
                (width, i) =>
                {
                    if (i < before.Length)
                        return before[i] == width
                            ? (Module<Tensor, Tensor>)Identity()
                            : Sequential(Conv2d(before[i], width, 3, padding: 1, bias: false), BatchNorm2d(width), ReLU(true));
                    return Sequential(
                        Enumerable
                            .Range(before.Length, i + 1 - before.Length)
                            .Select(step =>
                            {
                                var output = step == i ? width : before[^1];
                                return Sequential(Halving(before[^1], output), BatchNorm2d(output), ReLU(true));
                            })
                    );
                }
            ),
        ]);

    private static Sequential Bottlenecks(int width, int planes, int blocks) =>
        Sequential(
            Enumerable
                .Range(0, blocks)
                .Select(i => new Bottleneck(new ResNetBlockShape(i == 0 ? width : planes * 4, planes, 1, 1, false), 1, 64))
        );

    private static Conv2d Halving(int from, int to) => Conv2d(from, to, 3, stride: 2, padding: 1, bias: false);
}
