using Tessera.Framework.Components;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;
using Tessera.Framework.Optimization;

namespace Tessera.Tools.Costs;

/// <summary>A way to train a config's model: one row of the table of costs.</summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Changes">To the config, as <c>--cfg-options</c> has them: another model, for one.</param>
/// <param name="Tune">What is trained of it; null: what the config says.</param>
/// <param name="Otherwise">What is measured where this doesn't fit the model.</param>
internal sealed record CostVariant(string Name, IReadOnlyList<string> Changes, TuneOptions? Tune = null, CostVariant? Otherwise = null)
{
    /// <summary>Nothing added to the backbone.</summary>
    private const string WithoutPeft = "model.peft=null";

    /// <summary>Every preset of <c>train.tune</c>; the model as the config describes it.</summary>
    /// <param name="from">Where partial training begins; null: at the backbone's last block.</param>
    public static IReadOnlyList<CostVariant> Presets(VisionModel model, string? from)
    {
        from ??= model.Having<Backbone>().SelectMany(backbone => backbone.Module.LayersByDepth.LastBlock).LastOrDefault();
        return
        [
            Of("full", TunePreset.Full),
            .. from is null ? Array.Empty<CostVariant>() : [Of($"partial, from {from}", TunePreset.Partial, from)],
            Of("attention", TunePreset.Attention),
            Of("last_attention", TunePreset.LastAttention),
            Of("norms", TunePreset.Norms),
            Of("linear_probe", TunePreset.LinearProbe),
        ];

        CostVariant Of(string name, TunePreset preset, string? from = null) =>
            new(name, model.Peft is null ? [] : [WithoutPeft], new TuneOptions(preset, from));
    }

    /// <summary>What the config's own <c>peft</c> costs, where it has one, and each registered method alone with its defaults; one that
    /// finds no layer of its roles, at all layers.</summary>
    public static IEnumerable<CostVariant> Adapters(VisionModel model, ComponentRegistry registry)
    {
        if (model.Peft is not null)
            yield return new CostVariant("the config's peft", []);
        foreach (var method in registry.For(typeof(PeftMethod)))
        {
            var name = method.Name;
            var everywhere = method.Keys.Any(key => key.Name == "roles") ? Of($"{name}, all layers", ", \"roles\": [\"all\"]") : null;
            yield return Of(name, "") with
            {
                Otherwise = everywhere,
            };
            if (method.Keys.Any(key => key.Name == "deep"))
                yield return Of($"{name}, deep", ", \"deep\": true");

            CostVariant Of(string shown, string options) =>
                new(shown, [WithoutPeft, $"model.peft={{ \"{name}\": {{ \"type\": \"{name}\"{options} }} }}"], new TuneOptions());
        }
    }
}

/// <summary>What training costs, one way.</summary>
/// <param name="Name">Of the variant.</param>
/// <param name="Trained">Parameters that are trained.</param>
/// <param name="Parameters">All of them.</param>
/// <param name="MultiplyAdds">Of a forward pass of one image.</param>
/// <param name="OptimizerNumbers">Numbers that the optimizer remembers of each trained one.</param>
/// <param name="ActivationBytes">Kept for the backward pass of one image.</param>
internal sealed record TrainingCost(
    string Name,
    long Trained,
    long Parameters,
    long MultiplyAdds,
    double OptimizerNumbers,
    long ActivationBytes
)
{
    private const int NumberSize = sizeof(float);

    public long WeightBytes => NumberSize * Parameters;

    public long GradientBytes => NumberSize * Trained;

    public long OptimizerBytes => (long)(NumberSize * OptimizerNumbers * Trained);

    /// <summary>Weights, gradients, the optimizer's state, and what is kept of a batch.</summary>
    public long MemoryBytes(int batchSize) => WeightBytes + GradientBytes + OptimizerBytes + (batchSize * ActivationBytes);
}
