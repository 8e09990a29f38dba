using System.Collections.Concurrent;
using Tessera.Datasets.Loading;
using Tessera.Datasets.Samplers;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Loading;

/// <summary>Threads live as long as their loader; and what a loader says of its order tells orders apart.</summary>
public sealed class LoaderThreadTests
{
    /// <summary>Notes which thread it runs on.</summary>
    private sealed class Witness(ConcurrentDictionary<int, int> threads) : Transform
    {
        public override Sample Apply(Sample sample, RandomSource random)
        {
            threads.AddOrUpdate(Environment.CurrentManagedThreadId, 1, (_, count) => count + 1);
            return sample;
        }
    }

    private static IBatchLoader Loader(
        LoaderOptions options,
        Sampler? sampler = null,
        Transform? step = null,
        int count = 12,
        long seed = 7,
        int rank = 0,
        int worldSize = 1
    ) =>
        new BatchLoaderFactory().Create(
            new Shapes(new ShapesOptions(Count: count, Size: 16)),
            step is null ? [] : [step],
            sampler,
            options,
            seed,
            training: true,
            rank,
            worldSize
        );

    [Fact]
    public void Epochs_OneAfterAnother_AreReadByTheSameThreads()
    {
        var threads = new ConcurrentDictionary<int, int>();
        using var loader = Loader(new LoaderOptions(2, Workers: 2), step: new Witness(threads));
        for (var epoch = 0; epoch < 30; epoch++)
            foreach (var batch in loader.Epoch(epoch))
                batch.Dispose();
        Assert.InRange(threads.Count, 1, 2);
        Assert.Equal(30 * 12, threads.Values.Sum());
        foreach (var batch in loader.Epoch(0, skip: 4).Take(1))
            batch.Dispose(); // one that is left early gives its threads back, too
        foreach (var batch in loader.Epoch(1))
            batch.Dispose();
        Assert.InRange(threads.Count, 1, 2);
    }

    [Fact]
    public void Epochs_ReadAtOnce_HaveThreadsOfTheirOwn()
    {
        using var loader = Loader(new LoaderOptions(2, Workers: 1));
        using var first = loader.Epoch(0).GetEnumerator();
        using var second = loader.Epoch(1).GetEnumerator();
        for (var i = 0; i < 6; i++)
        {
            Assert.True(first.MoveNext());
            Assert.True(second.MoveNext());
            first.Current.Dispose();
            second.Current.Dispose();
        }
        Assert.False(first.MoveNext());
        Assert.False(second.MoveNext());
    }

    [Fact]
    public void Dispose_EndsTheThreads()
    {
        var threads = new LoaderThreads();
        using var left = new CountdownEvent(3);
        using var together = new Barrier(3); // a thread that is done would be taken again
        var running = new ConcurrentBag<Thread>();
        threads.Start(
            3,
            () =>
            {
                running.Add(Thread.CurrentThread);
                together.SignalAndWait(TimeSpan.FromSeconds(10));
            },
            () => left.Signal()
        );
        Assert.True(left.Wait(TimeSpan.FromSeconds(10)));
        Assert.Equal(3, threads.Made);
        threads.Dispose();
        Assert.All(running, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(10))));
    }

    [Fact]
    public void OrderedBy_TellsApartWhatChangesTheBatches_AndIsTheSameOnEveryRank()
    {
        var shuffled = new RandomSampler(new RandomSamplerOptions());
        var options = new LoaderOptions(4);
        var facts = Facts(options, shuffled);
        Assert.Equal(facts, Facts(options with { Workers = 3, Prefetch = 5 }, shuffled));
        Assert.Equal(facts, Facts(options, shuffled, rank: 1, worldSize: 2));
        Assert.Equal("4", facts["train.loader.batch_size"]);
        Assert.Equal(["train.loader.batch_size"], Differs(Facts(options with { BatchSize = 3 }, shuffled)));
        Assert.Equal(["train.loader.drop_last"], Differs(Facts(options with { DropLast = true }, shuffled)));
        Assert.Equal(["order", "seed"], Differs(Facts(options, shuffled, seed: 8)));
        Assert.Equal(["order", "train.loader.sampler"], Differs(Facts(options, null)));
        Assert.Equal(["order", "train.dataset"], Differs(Facts(options, shuffled, count: 13)));
        Assert.Equal(["order"], Differs(Facts(options, new RandomSampler(new RandomSamplerOptions(Replacement: true)))));

        IEnumerable<string> Differs(IReadOnlyDictionary<string, string> other) =>
            facts.Keys.Where(key => facts[key] != other[key]).Order(StringComparer.Ordinal);
    }

    private static IReadOnlyDictionary<string, string> Facts(
        LoaderOptions options,
        Sampler? sampler,
        int count = 12,
        long seed = 7,
        int rank = 0,
        int worldSize = 1
    )
    {
        using var loader = Loader(options, sampler, count: count, seed: seed, rank: rank, worldSize: worldSize);
        return loader.OrderedBy;
    }
}
