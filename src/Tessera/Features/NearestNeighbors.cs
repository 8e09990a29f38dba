using Tessera.Framework.Errors;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Features;

/// <summary>Classifies by the nearest vectors of known classes; nothing is trained.</summary>
/// <remarks>As in Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", 2018, arXiv:1805.01978: nearness
/// is the cosine, each of the k nearest votes for its class with exp(cosine / temperature).</remarks>
public static class NearestNeighbors
{
    private const int Rows = 256;

    /// <summary>Votes for each class, from 0 to 1 in sum (of several labels a sample: each from 0 to 1).</summary>
    /// <param name="known">Whose classes vote.</param>
    /// <param name="asked">Whose classes are asked for.</param>
    /// <param name="counts">How many neighbours vote: one result each.</param>
    /// <param name="temperature">Small: the nearest decide; large: all count alike.</param>
    /// <param name="advance">Told samples done, samples in all.</param>
    /// <returns>For each count the votes, [N, classes], float32 on the CPU; the caller's to dispose.</returns>
    /// <exception cref="UserErrorException">More neighbours are asked for than there are.</exception>
    public static IReadOnlyList<Tensor> Vote(
        FeatureSet known,
        FeatureSet asked,
        IReadOnlyList<int> counts,
        double temperature,
        Action<int, int>? advance = null
    )
    {
        var most = counts.Max();
        if (most > known.Count)
            throw new UserErrorException($"{most} neighbours are asked for, but {known.File.Path} holds {known.Count} samples.");
        using var all = NewDisposeScope();
        using var nothing = no_grad();
        var directions = nn.functional.normalize(known.Features, 2, 1);
        var labels = known.IsMultiLabel ? known.Truth : nn.functional.one_hot(known.Truth, known.Classes).to(ScalarType.Float32);
        var votes = counts.Select(_ => new List<Tensor>()).ToArray();
        for (var start = 0; start < asked.Count; start += Rows)
        {
            using var scope = NewDisposeScope();
            var some = asked.Features.narrow(0, start, Math.Min(Rows, asked.Count - start));
            var (near, index) = nn.functional.normalize(some, 2, 1).matmul(directions.t()).topk(most, 1);
            var weights = ((near - near.narrow(1, 0, 1)) / temperature).exp(); // the factor that the nearest shares cancels
            for (var i = 0; i < counts.Count; i++)
            {
                var sum = zeros(some.shape[0], known.Classes, device: some.device);
                for (var k = 0; k < counts[i]; k++)
                    sum.add_(labels.index_select(0, index.select(1, k)) * weights.narrow(1, k, 1));
                votes[i].Add((sum / weights.narrow(1, 0, counts[i]).sum(1, keepdim: true)).cpu().MoveToOuterDisposeScope());
            }
            advance?.Invoke((int)(start + some.shape[0]), asked.Count);
        }
        return [.. votes.Select(parts => cat(parts, 0).MoveToOuterDisposeScope())];
    }
}
