using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>A segmentor that gives the probabilities behind its maps, so that several can be averaged.</summary>
public interface IGivesProbabilities
{
    /// <summary>The probabilities of every pixel of the original images, one image after another: each is made when it is asked for. The
    /// caller has set evaluation mode and switched gradients off.</summary>
    /// <returns>[classes, H, W], float32, summing to 1 over the classes; the caller's to dispose. NaN where the logits are.</returns>
    IEnumerable<Tensor> Probabilities(Batch batch);
}
