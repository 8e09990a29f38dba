using static TorchSharp.torch;

namespace Tessera.Models.Detection.Heads;

/// <summary>How central a place lies in its box.</summary>
internal static class Centerness
{
    /// <summary>1 in the middle of the box, 0 at its sides and outside.</summary>
    /// <remarks>Tian et al., "FCOS", 2019, arXiv:1904.01355, equation 3.</remarks>
    /// <param name="distances">[P, 4], from the place to the box's left, top, right and bottom, in one unit for each direction.</param>
    /// <returns>[P].</returns>
    public static Tensor Of(Tensor distances)
    {
        using var scope = NewDisposeScope();
        var sides = distances.unbind(1);
        var (left, top, right, bottom) = (sides[0], sides[1], sides[2], sides[3]);
        var (across, down) = (left.minimum(right).clamp_min(0), top.minimum(bottom).clamp_min(0));
        return scope.MoveToOuter((across / left.maximum(right) * (down / top.maximum(bottom))).sqrt());
    }

    /// <summary>The weighted sum of the binary cross entropy of what a head says of it.</summary>
    /// <param name="logits">[P].</param>
    /// <param name="wanted">[P].</param>
    /// <param name="weights">[P].</param>
    public static Tensor Loss(Tensor logits, Tensor wanted, Tensor weights)
    {
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(((nn.functional.softplus(logits) - (wanted * logits)) * weights).sum());
    }
}
