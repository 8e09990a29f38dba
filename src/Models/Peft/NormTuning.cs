using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <summary>Trains weights and biases of the backbone's norms, and nothing else of it. Statistics of batch norms stay.</summary>
/// <remarks>Basu et al., "Strong Baselines for Parameter-Efficient Few-Shot Fine-Tuning", 2024, arXiv:2304.01917 (LN-Tune).</remarks>
[Component("NormTuning")]
public sealed class NormTuning : PeftMethod
{
    public override void Apply(PeftSite site)
    {
        var norms = (
            from child in site.Backbone.named_modules()
            where child.module.IsNormalization()
            from parameter in child.module.named_parameters(recurse: false)
            select $"{child.name}.{parameter.name}"
        ).ToHashSet();
        site.Train(norms.Contains, "norm with weights");
    }
}
