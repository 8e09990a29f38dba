using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Methods;

/// <summary>Each channel weighs as much as the class's weight for it in the linear layer behind the pooling.</summary>
/// <remarks>Zhou et al., "Learning Deep Features for Discriminative Localization", 2016, arXiv:1512.04150, equation 2. Only for networks
/// that end in a pooling and one linear layer, which is looked at by its result: the score must be the pooled map times the class's
/// weights plus its bias.</remarks>
[Component("Cam")]
public sealed class Cam : ActivationMethod
{
    private const double Tolerance = 1e-3;

    public override string Title => "CAM";

    /// <exception cref="UserErrorException">The score is not that of a class, or is not made so.</exception>
    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var state = run.Model.state_dict();
        var layer = run
            .Model.ClassTensors.Select(rows => rows.Name)
            .FirstOrDefault(name => name.EndsWith(".weight", StringComparison.Ordinal));
        if (run.Target is not ClassTarget || layer is null || state[layer] is not { } weight || weight.dim() != 2)
            throw ExplanationErrors.NotPooledLinear(run);
        if (weight.shape[1] != run.Activation.shape[1] || run.Outputs[0].dim() != 2)
            throw ExplanationErrors.NotPooledLinear(run);
        var classes = run.ClassesOfImages();
        var chosen = weight.to(run.Activation.dtype).index_select(0, classes); // [B, C]
        var scores = run.Scores.to(run.Activation.dtype);
        if (state.GetValueOrDefault(layer[..^"weight".Length] + "bias") is { } bias)
            scores = scores - bias.to(run.Activation.dtype).index_select(0, classes);
        var tolerance = Tolerance * scores.abs().amax().clamp_min(1e-6);
        Tensor[] pooled = [run.Activation.mean([2, 3]), run.Activation.amax([2, 3])];
        if (!pooled.Any(vector => ((vector * chosen).sum(1) - scores).abs().lt(tolerance).all().item<bool>()))
            throw ExplanationErrors.NotPooledLinear(run);
        return scope.MoveToOuter(chosen.unsqueeze(2).unsqueeze(3) * run.Activation);
    }
}
