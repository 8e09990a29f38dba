using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Peft;

/// <summary>Models with parameter-efficient methods, for tests.</summary>
internal static class PeftModels
{
    /// <summary>A classifier, its weights by a formula, before its methods are attached.</summary>
    public static VisionModel Plain(string backbone, string peft) =>
        Formula.Fill(
            Build.From<VisionModel>(
                $$"""{ "type": "ImageClassifier", "backbone": {{backbone}}, "head": { "type": "LinearHead" }, "peft": {{peft}} }""",
                Build.Classes(5)
            )
        );

    /// <summary>The same, adapted.</summary>
    public static VisionModel Classifier(string backbone, string peft)
    {
        var model = Plain(backbone, peft);
        Adaptation.Attach(model);
        return model;
    }

    /// <summary>A backbone alone, adapted.</summary>
    public static Bare Adapted(Backbone backbone, string peft)
    {
        var model = new Bare(backbone) { Peft = new Dictionary<string, PeftMethod> { ["m"] = Build.From<PeftMethod>(peft) } };
        Adaptation.Attach(model);
        return model;
    }

    /// <summary>Parameters that a method trains.</summary>
    public static long Count(VisionModel model) => model.Adaptation!.Adapted.Sum(entry => entry.Parameter.numel());

    public static Backbone BackboneOf(VisionModel model) => model.Having<Backbone>().Single().Module;

    /// <summary>Sets what a method added.</summary>
    public static void Set(VisionModel model, string ending, params float[] values)
    {
        using var still = no_grad();
        var parameter = model.named_parameters().Single(entry => entry.name.EndsWith(ending, StringComparison.Ordinal)).parameter;
        parameter.copy_(tensor(values).view(parameter.shape));
    }

    /// <summary>Moves all that is trained off its start.</summary>
    public static void Shake(VisionModel model)
    {
        using var still = no_grad();
        var i = 0;
        foreach (var (_, parameter) in model.Adaptation!.Adapted)
            parameter.add_(Formula.Values($"shake{i++}", parameter.shape).to(parameter.dtype) * 0.1);
    }
}

/// <summary>A model that is its backbone and nothing else.</summary>
internal sealed class Bare : VisionModel
{
    private readonly Backbone backbone;

    public Bare(Backbone backbone)
        : base(nameof(Bare))
    {
        this.backbone = backbone;
        RegisterComponents();
    }

    public override IReadOnlyCollection<ClassTensor> ClassTensors => [];

    public Tensor Out(Tensor x) => backbone.call(x)[0];

    public override LossMap Loss(Batch batch, Progress progress) => throw new NotSupportedException();

    public override IReadOnlyList<Prediction> Predict(Batch batch) => throw new NotSupportedException();
}

/// <summary>One layer as a backbone.</summary>
internal sealed class OneLayer : Backbone
{
    private readonly nn.Module<Tensor, Tensor> layer;

    public OneLayer(nn.Module<Tensor, Tensor> layer)
        : base(nameof(OneLayer))
    {
        this.layer = layer;
        RegisterComponents();
    }

    public override IReadOnlyList<int> OutChannels => [1];

    public override IReadOnlyList<int> OutStrides => [1];

    public override Tensor[] forward(Tensor input) => [layer.call(input)];
}
