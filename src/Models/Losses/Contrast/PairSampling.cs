using static TorchSharp.torch;

namespace Tessera.Models.Losses.Contrast;

/// <summary>Which positives and negatives an anchor is compared with.</summary>
public enum PairChoice
{
    /// <summary>All of them; where their number is bounded, that many at random.</summary>
    Random,

    /// <summary>The harder half: negatives nearest to the anchor, positives farthest from it. Where their number is bounded, the
    /// hardest.</summary>
    HardestHalf,

    /// <summary>The hardest tenth; where their number is bounded, that many of the tenth at random. The paper's choice.</summary>
    SemiHard,
}

/// <summary>Narrows the pairs of the loss.</summary>
/// <param name="positives">Positives of an anchor at most.</param>
/// <param name="negatives">Negatives of an anchor at most.</param>
/// <remarks>
/// Wang et al., 2021, section 3.2, where "semi-hard" means: collect the 10 % nearest negatives (farthest positives), draw from
/// these at random. Pairs exactly as hard as the last that is taken are taken, too.
/// </remarks>
internal sealed class PairSampling(PairChoice choice, int? positives, int? negatives)
{
    /// <param name="similarity">[A, N], without gradient.</param>
    /// <param name="positive">[A, N], the pairs of the same class.</param>
    /// <param name="negative">[A, N], the pairs of different ones.</param>
    /// <returns>The pairs that take part.</returns>
    public (Tensor Positive, Tensor Negative) Narrow(Tensor similarity, Tensor positive, Tensor negative) =>
        (Narrow(similarity.neg(), positive, positives), Narrow(similarity, negative, negatives));

    private Tensor Narrow(Tensor hardness, Tensor pairs, int? most) =>
        choice switch
        {
            PairChoice.HardestHalf => First(hardness, pairs, share: 2, most),
            PairChoice.SemiHard => AtRandom(First(hardness, pairs, share: 10, null), most),
            _ => AtRandom(pairs, most),
        };

    private static Tensor AtRandom(Tensor pairs, int? most) =>
        most is null ? pairs : First(rand(pairs.shape, ScalarType.Float32, pairs.device), pairs, share: 1, most);

    /// <summary>Of each row's pairs those that rank first.</summary>
    /// <param name="share">One part in so many, rounded up.</param>
    private static Tensor First(Tensor rank, Tensor pairs, int share, int? most)
    {
        var keys = rank.masked_fill(pairs.logical_not(), double.NegativeInfinity);
        var count = pairs.sum([1], keepdim: true).add(share - 1).div(share, RoundingMode.floor).to(ScalarType.Int64); // [A, 1]
        if (most is { } bound)
            count = count.clamp_max(bound);
        var last = keys.sort(1, descending: true).Values.gather(1, (count - 1).clamp_min(0));
        return pairs.logical_and(keys.ge(last));
    }
}
