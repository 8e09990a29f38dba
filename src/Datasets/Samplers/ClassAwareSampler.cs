using Tessera.Framework.Data;

namespace Tessera.Datasets.Samplers;

/// <param name="NumSampleClass">Samples that are taken of a class before the next class's turn.</param>
public sealed record ClassAwareSamplerOptions([property: Range(1, 1_000_000)] int NumSampleClass = 1);

/// <summary>Classes take turns, whatever their number of samples: all classes in a random order, then in another one, and so on; of a class
/// its samples in a random order, each once before any comes again. An epoch is as long as the data.</summary>
/// <remarks>Shen, Lin and Huang, "Relay Backpropagation for Effective Learning of Deep Convolutional Neural Networks", 2016,
/// arXiv:1512.05830, as MMDetection's ClassAwareSampler has it for Open Images. <see cref="ClassBalancedSampler"/> draws each sample by
/// itself instead, in proportion to its rarest class. Samples that show no class never come.</remarks>
[Component("ClassAwareSampler")]
public sealed class ClassAwareSampler(ClassAwareSamplerOptions options) : Sampler
{
    private SampleClasses? _known;

    public override IReadOnlyList<int> Order(Dataset dataset, long seed, int epoch)
    {
        var presence = _known = SampleClasses.Of(dataset, _known, nameof(ClassAwareSampler));
        var random = SamplerRandom.For(seed, epoch);
        var ofClass = presence.Samples.Select(count => new List<int>(count)).ToArray();
        for (var i = 0; i < presence.Labels.Length; i++)
            foreach (var label in presence.Labels[i])
                ofClass[label].Add(i);
        var turns = ofClass.Where(samples => samples.Count > 0).Select(samples => new Cycle<int>(samples, random)).ToArray();
        if (turns.Length == 0)
            throw new UserErrorException("ClassAwareSampler: no sample shows a class.");
        var classes = new Cycle<Cycle<int>>(turns, random);
        var order = new int[dataset.Count];
        for (var i = 0; i < order.Length; )
        {
            var samples = classes.Next();
            for (var k = 0; k < options.NumSampleClass && i < order.Length; k++)
                order[i++] = samples.Next();
        }
        return order;
    }

    /// <summary>All items in a random order, then in another one.</summary>
    private sealed class Cycle<T>(IReadOnlyList<T> items, RandomSource random)
    {
        private int[] _order = [];
        private int _at;

        public T Next()
        {
            if (_at == _order.Length)
                (_order, _at) = ([.. random.Permutation(items.Count)], 0);
            return items[_order[_at++]];
        }
    }
}
