using Tessera.Framework.Models;
using Tessera.Models.Layers;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Models.Backbones.Csp;

/// <summary>How many stages there are, and how wide the last ones.</summary>
public enum CspArch
{
    /// <summary>Four stages, to stride 32, of 128, 256, 512 and 1024 channels.</summary>
    P5,

    /// <summary>Five stages, to stride 64, of 128, 256, 512, 768 and 1024 channels.</summary>
    P6,
}

/// <summary>What the networks with cross stage partial layers share: a stem and four or five stages, each of which begins with a
/// convolution of stride 2; the last pools over windows of several sizes.</summary>
/// <remarks>Parameters are named as in MMDetection: stem, stage1 …</remarks>
public abstract class CspBackbone : Backbone, IChainedBackbone
{
    private readonly int[] _outIndices;
    private readonly List<Module<Tensor, Tensor>> _stages = []; // the stem first
    private readonly int _frozen;
    private readonly bool _normEval;

    private protected CspBackbone(CspPlan plan, Func<CspPlan, Module<Tensor, Tensor>> build)
        : base(plan.Name)
    {
        (_frozen, _normEval) = (plan.FrozenStages, plan.NormEval);
        _outIndices = plan.OutIndices;
        var stem = build(plan);
        register_module("stem", stem);
        _stages.Add(stem);
        for (var i = 0; i < plan.Used; i++)
        {
            var stage = Sequential(plan.Layers(i));
            register_module($"stage{i + 1}", stage);
            _stages.Add(stage);
        }
        OutChannels = [.. _outIndices.Select(plan.Channels)];
        OutStrides = [.. _outIndices.Select(i => 2 << i)];
        FrozenParts.Freeze(Frozen());
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides { get; }

    /// <summary>A stage is a block.</summary>
    public override ParameterLayers LayersByDepth => new(["stem"], [.. _stages.Skip(1).Select((_, i) => new[] { $"stage{i + 1}" })]);

    /// <param name="images">Normalized images, [B, InChannels, H, W].</param>
    /// <returns>One map for each of OutIndices, [B, C, ⌈H / stride⌉, ⌈W / stride⌉].</returns>
    public override Tensor[] forward(Tensor images)
    {
        using var scope = NewDisposeScope();
        var x = images;
        var maps = new List<Tensor>();
        foreach (var (i, stage) in _stages.Index())
        {
            x = stage.call(x);
            if (_outIndices.Contains(i))
                maps.Add(x);
        }
        var result = maps.ToArray();
        scope.MoveToOuter(result);
        return result;
    }

    /// <summary>The stem, then every layer of every stage.</summary>
    public IReadOnlyList<ChainStep> Chain(int height, int width) =>
        [
            new ChainStep("stem", ["stem"], _stages[0].call),
            .. from stage in _stages.Index().Skip(1)
            from layer in stage.Item.children().Index()
            let name = $"stage{stage.Index}.{layer.Index}"
            select new ChainStep(name, [name], ((Module<Tensor, Tensor>)layer.Item).call),
        ];

    /// <summary>Frozen norms stay in evaluation mode.</summary>
    public override void train(bool train = true)
    {
        base.train(train);
        if (train)
            FrozenParts.KeepNorms(_normEval ? [this] : Frozen());
    }

    private IEnumerable<Module> Frozen() => _stages.Take(_frozen + 1);
}
