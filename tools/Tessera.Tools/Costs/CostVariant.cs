using Tessera.Framework.Models;
using Tessera.Framework.Optimization;

namespace Tessera.Tools.Costs;

/// <summary>A way to train a config's model: one row of the table of costs.</summary>
/// <param name="Name">As it is shown.</param>
/// <param name="Changes">To the config, as <c>--cfg-options</c> has them: another model, for one.</param>
/// <param name="Tune">What is trained of it; null: what the config says.</param>
internal sealed record CostVariant(string Name, IReadOnlyList<string> Changes, TuneOptions? Tune = null)
{
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

        static CostVariant Of(string name, TunePreset preset, string? from = null) => new(name, [], new TuneOptions(preset, from));
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
