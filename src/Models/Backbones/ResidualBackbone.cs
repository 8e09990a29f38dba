using Tessera.Framework.Models;
using Tessera.Models.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones;

/// <summary>Makes a block.</summary>
/// <param name="secondDilation">Of a basic block's second convolution.</param>
internal delegate ResNetBlock MakeResNetBlock(ResNetBlockShape shape, int secondDilation);

/// <summary>What residual networks share: a stem, and stages of blocks that differ between them.</summary>
public abstract class ResidualBackbone : Backbone, IChainedBackbone
{
    private readonly Module<Tensor, Tensor> conv1;
    private readonly BatchNorm2d bn1;
    private readonly MaxPool2d? maxpool;
    private readonly Sequential layer1;
    private readonly Sequential? layer2;
    private readonly Sequential? layer3;
    private readonly Sequential? layer4;

    private readonly ResNetOptions _options;
    private readonly MakeResNetBlock _make;
    private readonly int[] _outIndices;

    /// <param name="name">The network's, for messages.</param>
    private protected ResidualBackbone(string name, ResNetOptions options, MakeResNetBlock make)
        : base(name)
    {
        (_options, _make) = (options, make);
        var plan = new ResNetPlan(options, name);
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
        var x = ConvThenNorm.Rectified(conv1, bn1, images);
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
            blocks.Add(_make(shape, SecondDilation(stage, i)));
            width = stage.OutChannels;
        }
        return Sequential(blocks);
    }
}
