using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <param name="Deviations">How many standard deviations above its channel's mean a place is active.</param>
public sealed record FemOptions([property: Range(0.0, 100.0)] double Deviations = 2);

/// <summary>Each channel weighs as much as the share of its places that are strongly active. Without gradient, and the same for every
/// score.</summary>
/// <remarks>Fuad et al., "Features Understanding in 3D CNNs for Actions Recognition in Video", 2020 (Feature Explanation Method).</remarks>
[Component("Fem")]
public sealed class Fem(FemOptions options) : ActivationMethod
{
    public override string Title => "FEM";

    public override bool ReadsScore => false;

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        var activation = run.Activation;
        var mean = activation.mean([2, 3], keepdim: true);
        var centred = activation - mean;
        var deviation = (centred * centred).mean([2, 3], keepdim: true).sqrt();
        var active = activation.gt(mean + (deviation * options.Deviations)).to(activation.dtype);
        return scope.MoveToOuter(active.mean([2, 3], keepdim: true) * activation);
    }
}
