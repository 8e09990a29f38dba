using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Tessera.Tests.Framework.Running;

/// <summary>12 values in, 3 classes out: a linear layer, a norm, dropout, a linear layer.</summary>
internal sealed class TinyModel : VisionModel
{
#pragma warning disable IDE0044, CA1859 // fields become checkpoint keys
    private Linear fc1;
    private BatchNorm1d? bn;
    private Dropout drop;
    private Linear fc2;
#pragma warning restore IDE0044, CA1859

    public TinyModel(double dropout = 0, bool norm = true, long seed = 1)
        : base(nameof(TinyModel))
    {
        manual_seed(seed);
        fc1 = Linear(12, 8);
        bn = norm ? BatchNorm1d(8) : null;
        drop = Dropout(dropout);
        fc2 = Linear(8, 3);
        RegisterComponents();
    }

    /// <summary>Multiplies the loss of an iteration, to break it.</summary>
    public Func<Progress, double> Factor { get; init; } = _ => 1;

    /// <summary>Every loss that was computed in training.</summary>
    public List<float> Losses { get; } = [];

    public override LossMap Loss(Batch batch, Progress progress)
    {
        var loss = functional.cross_entropy(Logits(batch), batch.Labels!);
        Losses.Add(loss.item<float>());
        return new LossMap { ["ce"] = loss * Factor(progress) };
    }

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public override IReadOnlyList<Prediction> Predict(Batch batch)
    {
        using var scope = NewDisposeScope();
        var scores = Logits(batch).softmax(1);
        var labels = scores.argmax(1).Values<long>();
        var all = scores.Values<float>();
        return [.. labels.Select((label, i) => new ClassPrediction(all[(i * 3)..(i * 3 + 3)], (int)label))];
    }

    public float[] Weights() =>
        [
            .. state_dict()
                .OrderBy(entry => entry.Key, StringComparer.Ordinal)
                .Where(entry => entry.Value.is_floating_point())
                .SelectMany(entry => entry.Value.detach().reshape(-1).data<float>().ToArray()),
        ];

    private Tensor Logits(Batch batch)
    {
        var x = fc1.call(batch.Images.flatten(1));
        if (bn is not null)
            x = bn.call(x);
        return fc2.call(drop.call(x.relu()));
    }
}
