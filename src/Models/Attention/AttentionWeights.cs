using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Models.Attention;

/// <summary>
/// The place in an attention layer through which its weights flow when someone taps them. Untapped, the layer never
/// forms them, so that it can take the fused way.
/// </summary>
public sealed class AttentionWeights() : nn.Module<Tensor, Tensor>(nameof(AttentionWeights)), ITappable
{
    private int _taps;

    /// <summary>Whether someone wants the weights.</summary>
    public bool Tapped => _taps > 0;

    public void OnTap(bool set) => _taps += set ? 1 : -1;

    /// <param name="weights">After softmax, before dropout: [B, heads, N, N].</param>
    public override Tensor forward(Tensor weights) => weights;
}
