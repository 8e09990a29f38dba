using Tessera.Framework.Models.Peft;

namespace Tessera.Models.Peft;

/// <param name="Bottleneck">Width inside of an adapter.</param>
/// <param name="Scale">Of what an adapter adds.</param>
/// <param name="Dropout">Inside of an adapter.</param>
public sealed record AdaptFormerOptions(
    [property: Range(1, 65536)] int Bottleneck = 64,
    [property: Range(0.0, 1e6)] double Scale = 0.1,
    [property: Range(0.0, 0.99)] double Dropout = 0
);

/// <summary>Small networks beside a transformer's MLPs: MLP(x) + s · U relu(D x).</summary>
/// <remarks>
/// Chen et al., "AdaptFormer: Adapting Vision Transformers for Scalable Visual Recognition", 2022, arXiv:2205.13535. They see the normed
/// tokens, as in the paper's equations; its code gives them those before the norm.
/// </remarks>
[Component("AdaptFormer")]
public sealed class AdaptFormer(AdaptFormerOptions options) : PeftMethod
{
    public override string CannotMerge => "an adapter has a ReLU inside, which no weights of the base can do.";

    public override void Apply(PeftSite site) =>
        BranchAdapter.AddAll(
            site,
            [BranchKind.Mlp],
            beside: true,
            branch => new BranchAdapter(branch.InWidth, branch.OutWidth, options.Bottleneck, options.Scale, options.Dropout)
        );
}
