using static TorchSharp.torch;

namespace Tessera.Models.Losses;

/// <summary>Which classes a loss takes the mean over.</summary>
public enum ClassChoice
{
    /// <summary>Those that the labels show.</summary>
    Present,

    /// <summary>All of them.</summary>
    All,
}

/// <summary>Hard labels of maps, flat, with what is ignored told apart.</summary>
/// <param name="Valid">bool, [B, N].</param>
/// <param name="Safe">int64, [B, N]: the label, 0 where it is ignored.</param>
internal readonly record struct PixelLabels(Tensor Valid, Tensor Safe)
{
    /// <param name="labels">int64, [B, …].</param>
    public static PixelLabels Of(Tensor labels, long ignored)
    {
        var flat = labels.reshape(labels.shape[0], -1);
        var valid = flat.ne(ignored);
        return new PixelLabels(valid, flat.where(valid, zeros_like(flat)));
    }
}
