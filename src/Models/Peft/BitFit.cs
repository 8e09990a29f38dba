using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <summary>Trains the backbone's biases, those of norms among them, and nothing else of it.</summary>
/// <remarks>Ben Zaken et al., "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models", 2022,
/// arXiv:2106.10199.</remarks>
[Component("BitFit")]
public sealed class BitFit : PeftMethod
{
    public override void Apply(PeftSite site) =>
        site.Train(name => name == "bias" || name.EndsWith(".bias", StringComparison.Ordinal), "bias");
}
