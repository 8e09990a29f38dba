using static TorchSharp.torch;

namespace Tessera.Models.Explanation;

/// <summary>Maps projected on the direction in which their channels differ most.</summary>
internal static class PrincipalComponent
{
    // What is smaller, relative to the maps themselves, is rounding.
    private const double Rounding = 1e-6;

    /// <summary>The first principal component of the channels, with the places as samples: columns centred, projected on the first right
    /// singular vector.</summary>
    /// <param name="maps">[B, C, h, w].</param>
    /// <param name="towards">[B, h, w]: a map that decides the sign, see <see cref="Signed"/>; by default the sum over channels.</param>
    /// <returns>[B, h, w], of mean 0; 0 where all places are equal, NaN where a value is not finite.</returns>
    public static Tensor Of(Tensor maps, Tensor? towards = null) => Signed(Unsigned(maps), towards ?? maps.sum(1)).to(maps.dtype);

    /// <summary>The same with the arbitrary sign that the decomposition gives, in float64.</summary>
    public static Tensor Unsigned(Tensor maps)
    {
        using var scope = NewDisposeScope();
        var (rows, finite) = Rows(maps);
        var (_, _, directions) = linalg.svd(rows, fullMatrices: false);
        var projected = rows.matmul(directions.narrow(1, 0, 1).transpose(1, 2)).squeeze(2); // [B, hw]
        return scope.MoveToOuter(AsMap(projected, maps, finite));
    }

    /// <summary>Places as rows, [B, hw, C] in float64, with columns of mean 0; what is not finite as 0, since no decomposition takes
    /// it.</summary>
    /// <returns>The rows, and for each image whether all of its values are finite, [B].</returns>
    public static (Tensor Rows, Tensor Finite) Rows(Tensor maps)
    {
        var rows = maps.flatten(2).transpose(1, 2).to(ScalarType.Float64);
        var finite = rows.isfinite().all(2).all(1);
        rows = where(finite.view(-1, 1, 1), rows, zeros_like(rows));
        var centred = rows - rows.mean([1], keepdim: true);
        var noise = centred.abs().amax([1, 2], keepdim: true).lt(rows.abs().amax([1, 2], keepdim: true) * Rounding);
        return (where(noise, zeros_like(centred), centred), finite);
    }

    /// <summary>One value a place as a map again, NaN where an image's values weren't finite.</summary>
    /// <param name="values">[B, hw].</param>
    /// <param name="maps">[B, C, h, w].</param>
    public static Tensor AsMap(Tensor values, Tensor maps, Tensor finite) =>
        where(finite.unsqueeze(1), values, full_like(values, double.NaN)).view(maps.shape[0], maps.shape[2], maps.shape[3]);

    /// <summary>Turns maps over where they correlate negatively with others.</summary>
    /// <remarks>The sign of a principal component is arbitrary: without this a map comes out upside down for every other model.</remarks>
    /// <param name="maps">[B, h, w].</param>
    /// <param name="towards">[B, h, w]. Where there is no correlation, the value that is farthest from 0 becomes positive.</param>
    public static Tensor Signed(Tensor maps, Tensor towards)
    {
        using var scope = NewDisposeScope();
        var reference = towards.to(maps.dtype);
        var agreement = (Centred(maps) * Centred(reference)).sum([1, 2], keepdim: true).sign();
        var farthest = (maps.amax([1, 2], keepdim: true) + maps.amin([1, 2], keepdim: true)).sign();
        var sign = where(agreement.eq(0), farthest, agreement);
        return scope.MoveToOuter(where(sign.lt(0), -maps, maps));
    }

    private static Tensor Centred(Tensor maps) => maps - maps.mean([1, 2], keepdim: true);
}
