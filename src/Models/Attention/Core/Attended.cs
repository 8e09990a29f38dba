using static TorchSharp.torch;

namespace Tessera.Models.Attention.Core;

/// <summary>What some queries got from some keys.</summary>
/// <param name="Out">Values, weighted by a softmax over these keys: [..., d].</param>
/// <param name="Sums">Logarithm of the sum of the exponentials: [..., 1]; null where it was not asked for.</param>
internal readonly record struct Attended(Tensor Out, Tensor? Sums)
{
    /// <summary>One softmax over two disjoint sets of keys.</summary>
    public static Attended Join(Attended a, Attended b)
    {
        var share = (a.Sums! - b.Sums!).sigmoid(); // e^a / (e^a + e^b)
        return new Attended((share * a.Out) + ((1 - share) * b.Out), logaddexp(a.Sums!, b.Sums!));
    }
}
