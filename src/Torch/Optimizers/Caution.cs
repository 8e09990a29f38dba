using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers;

/// <summary>Leaves out of an update what points against the gradient, and makes the rest larger by as much.</summary>
/// <remarks>Liang et al., "Cautious optimizers: improving training with one line of code", 2024, arXiv:2411.16085; as in timm.</remarks>
internal static class Caution
{
    private const double LeastShare = 1e-3;

    /// <param name="update">Changed in place; of the gradient's sign where it is kept.</param>
    public static void Apply(Tensor update, Tensor gradient)
    {
        var kept = (update * gradient).gt(0).to(gradient.dtype);
        kept.div_(kept.mean().clamp_min(LeastShare));
        update.mul_(kept);
    }
}
