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

    /// <summary>To be asked by a layer that forms matrices for the tap alone.</summary>
    /// <param name="rows">Matrices: images times heads.</param>
    /// <exception cref="UserErrorException">They would take more than 4 GB.</exception>
    internal static void RequireRoom(long rows, long queries, long keys)
    {
        const long most = 1L << 30;
        if (rows * queries * keys > most)
            throw new UserErrorException(
                $"The attention of {queries:#,0} tokens, {rows} times (images and heads), has {rows * queries * keys:#,0} weights, too "
                    + $"many to look at ({most:#,0} at most): take a smaller image, or fewer at once."
            );
    }
}
