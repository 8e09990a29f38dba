using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Attention;

/// <summary>Where the network looks through all its blocks, whatever the score. For transformers; the layer makes no difference.</summary>
/// <remarks>See <see cref="SynthesisKind.Rollout"/>.</remarks>
[Component("AttentionRollout")]
public sealed class AttentionRollout : ActivationMethod
{
    public override string Title => "Attention rollout";

    public override bool ReadsScore => false;

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var seen = SeenAttention.Of(run.Model, run.Images, run.Target);
        return scope.MoveToOuter(AttentionSynthesis.Map(seen, SynthesisKind.Rollout).unsqueeze(1));
    }
}
