using Tessera.Framework.Data;
using Tessera.Framework.Models;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>A backbone of one convolution and a norm, known elsewhere by other names.</summary>
internal sealed class TinyBackbone : Backbone
{
    private readonly Conv2d conv1;
    private readonly BatchNorm2d bn1;

    public TinyBackbone(int width = 4)
        : base(nameof(TinyBackbone))
    {
        conv1 = Conv2d(3, width, 3, bias: false);
        bn1 = BatchNorm2d(width);
        OutChannels = [width];
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels { get; }

    public override IReadOnlyList<int> OutStrides => [1];

    /// <summary>"elsewhere" calls the convolution stem.0 and the norm stem.1; "plain" uses our names.</summary>
    public override IReadOnlyDictionary<string, KeyMap> KeyMaps { get; } =
        new Dictionary<string, KeyMap>
        {
            ["elsewhere"] = new(key =>
                key.StartsWith("stem.0.", StringComparison.Ordinal) ? "conv1." + key[7..]
                : key.StartsWith("stem.1.", StringComparison.Ordinal) ? "bn1." + key[7..]
                : null
            )
            {
                Publish = key =>
                    key.Replace("conv1.", "stem.0.", StringComparison.Ordinal).Replace("bn1.", "stem.1.", StringComparison.Ordinal),
                Classifier = "classifier",
            },
            ["plain"] = new(key => key.StartsWith("fc.", StringComparison.Ordinal) ? null : key)
            {
                Publish = key => key,
                Classifier = "fc",
            },
        };

    public override Tensor[] forward(Tensor images) => [bn1.call(conv1.call(images))];
}

internal sealed class TinyHead : Head
{
    private readonly Linear fc;

    public TinyHead(int width, int classes)
        : base(nameof(TinyHead))
    {
        fc = Linear(width, classes);
        RegisterComponents();
    }

    public override Tensor forward(Tensor[] maps) => fc.call(maps[^1].mean([2, 3]));
}

internal sealed class TinyModel : VisionModel
{
    private readonly TinyBackbone backbone;
    private readonly TinyHead head;

    public TinyModel(int classes = 5, int width = 4)
        : base(nameof(TinyModel))
    {
        backbone = new TinyBackbone(width);
        head = new TinyHead(width, classes);
        RegisterComponents();
    }

    public TinyBackbone Backbone => backbone;

    public override IReadOnlyDictionary<string, KeyMap> KeyMaps =>
        backbone.KeyMaps.ToDictionary(map => map.Key, map => map.Value.ForModel("backbone", "head.fc"));

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [new("head.fc.weight"), new("head.fc.bias")];

    public override LossMap Loss(Batch batch, Progress progress) => new() { ["loss"] = head.call(backbone.call(batch.Images)).sum() };

    public override IReadOnlyList<Prediction> Predict(Batch batch) => [];
}
