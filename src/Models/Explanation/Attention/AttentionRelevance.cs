using static TorchSharp.torch;

namespace Tessera.Models.Explanation.Attention;

/// <summary>Which of the places that the network looks at speak for the score. For transformers; the layer makes no difference.</summary>
/// <remarks>See <see cref="SynthesisKind.Relevance"/>.</remarks>
[Component("AttentionRelevance")]
public sealed class AttentionRelevance : ActivationMethod
{
    public override string Title => "Attention relevance";

    public override Tensor Contributions(ExplainedRun run)
    {
        using var scope = NewDisposeScope();
        using var seen = SeenAttention.Of(run.Model, run.Images, run.Target);
        return scope.MoveToOuter(AttentionSynthesis.Map(seen, SynthesisKind.Relevance).unsqueeze(1));
    }
}
