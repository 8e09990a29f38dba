using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>Maps projected on the direction in which their channels differ most.</summary>
internal static class PrincipalComponent
{
    /// <param name="maps">[B, C, h, w].</param>
    /// <returns>[B, h, w]; its sign is that in which the maps' sum over channels correlates with it.</returns>
    /// <remarks>The sign of a principal component is arbitrary, so that a map could come out upside down.</remarks>
    public static Tensor Of(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var rows = maps.flatten(2).transpose(1, 2).to(ScalarType.Float64); // [B, hw, C]
        var centred = rows - rows.mean([1], keepdim: true);
        var (_, _, directions) = linalg.svd(centred, fullMatrices: false);
        var projected = rows.matmul(directions.narrow(1, 0, 1).transpose(1, 2)).squeeze(2); // [B, hw]
        var sums = rows.sum(2);
        var sign = ((projected - projected.mean([1], keepdim: true)) * (sums - sums.mean([1], keepdim: true))).sum(1, keepdim: true).sign();
        sign = where(sign == 0, ones_like(sign), sign);
        return scope.MoveToOuter((projected * sign).view(maps.shape[0], maps.shape[2], maps.shape[3]).to(maps.dtype));
    }
}
