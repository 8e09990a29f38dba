using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <summary>Where adapters stand in a block.</summary>
public enum AdapterPlacement
{
    /// <summary>Behind the MLP (Pfeiffer).</summary>
    Pfeiffer,

    /// <summary>Behind the attention and behind the MLP (Houlsby).</summary>
    Houlsby,
}

/// <param name="Bottleneck">Width inside of an adapter.</param>
/// <param name="Placement">"pfeiffer": behind each MLP; "houlsby": behind each attention, too.</param>
/// <param name="Scale">Of what an adapter adds.</param>
/// <param name="Dropout">Inside of an adapter.</param>
public sealed record AdapterOptions(
    [property: Range(1, 65536)] int Bottleneck = 8,
    AdapterPlacement Placement = AdapterPlacement.Pfeiffer,
    [property: Range(0.0, 1e6)] double Scale = 1,
    [property: Range(0.0, 0.99)] double Dropout = 0
);

/// <summary>Small networks behind the branches of a transformer's blocks: y + s · U relu(D y).</summary>
/// <remarks>
/// Houlsby et al., "Parameter-Efficient Transfer Learning for NLP", 2019, arXiv:1902.00751; Pfeiffer et al., "AdapterFusion", 2021,
/// arXiv:2005.00247. D starts at random and U at zero, so that a run begins at the base.
/// </remarks>
[Component("Adapter")]
public sealed class Adapter(AdapterOptions options) : PeftMethod
{
    public override string CannotMerge => "an adapter has a ReLU inside, which no weights of the base can do.";

    public override void Apply(PeftSite site)
    {
        BranchKind[] kinds = options.Placement == AdapterPlacement.Houlsby ? [BranchKind.Attention, BranchKind.Mlp] : [BranchKind.Mlp];
        BranchAdapter.AddAll(
            site,
            kinds,
            beside: false,
            branch => new BranchAdapter(branch.OutWidth, branch.OutWidth, options.Bottleneck, options.Scale, options.Dropout)
        );
    }
}
