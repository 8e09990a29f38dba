using Tessera.Framework.Data;
using Tessera.Framework.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Framework.Optimization;

/// <summary>12 values in, 3 classes out: a backbone of a stem, two blocks with a norm and an attention each, and a head.</summary>
internal sealed class TunedModel : VisionModel
{
    private readonly TunedBackbone backbone;
    private readonly Linear head;

    public TunedModel(double dropout = 0, long seed = 1)
        : base(nameof(TunedModel))
    {
        manual_seed(seed);
        backbone = new TunedBackbone(dropout);
        head = Linear(4, 3);
        RegisterComponents();
    }

    public TunedBackbone Backbone => backbone;

    public List<float> Losses { get; } = [];

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [new("head.weight"), new("head.bias")];

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var loss = functional.cross_entropy(head.call(backbone.call(batch.Images)[0]), batch.Labels!);
        Losses.Add(loss.item<float>());
        return new LossMap { ["ce"] = loss };
    }

    public override IReadOnlyList<Prediction> Predict(Batch batch) => [];

    /// <summary>Weights and statistics by name.</summary>
    public Dictionary<string, float[]> Values() =>
        state_dict()
            .Where(entry => entry.Value.is_floating_point())
            .ToDictionary(entry => entry.Key, entry => entry.Value.detach().reshape(-1).data<float>().ToArray());

    /// <summary>Names of what gets a gradient.</summary>
    public string[] Trained => [.. named_parameters().Where(entry => entry.parameter.requires_grad).Select(entry => entry.name)];
}

internal sealed class TunedBackbone : Backbone
{
    private readonly Linear stem = Linear(12, 4, hasBias: false);
    private readonly TunedBlock block1;
    private readonly TunedBlock block2;
    private readonly LayerNorm norm = LayerNorm(4);

    public TunedBackbone(double dropout)
        : base(nameof(TunedBackbone))
    {
        (block1, block2) = (new TunedBlock(dropout), new TunedBlock(dropout));
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels => [4];

    public override IReadOnlyList<int> OutStrides => [0];

    public override ParameterLayers LayersByDepth =>
        new(
            [nameof(stem)],
            [
                [nameof(block1)],
                [nameof(block2)],
            ]
        );

    public override Tensor[] forward(Tensor input) => [norm.call(block2.call(block1.call(stem.call(input.flatten(1)))))];
}

internal sealed class TunedBlock : Module<Tensor, Tensor>
{
    private readonly BatchNorm1d bn = BatchNorm1d(4);
    private readonly TunedMixer attn = new();
    private readonly Dropout drop;
    private readonly Linear mlp = Linear(4, 4);

    public TunedBlock(double dropout)
        : base(nameof(TunedBlock))
    {
        drop = Dropout(dropout);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => mlp.call(drop.call(attn.call(bn.call(input)))).relu() + input;
}

internal sealed class TunedMixer : Module<Tensor, Tensor>, IAttentionLayer
{
    private readonly Linear qkv = Linear(4, 4);

    public TunedMixer()
        : base(nameof(TunedMixer)) => RegisterComponents();

    public override Tensor forward(Tensor input) => qkv.call(input);
}
