namespace Tessera.Framework.Data;

/// <summary>Batches of a data set, read ahead by threads. Order and content depend on (seed, epoch, index) alone.</summary>
public interface IBatchLoader : IDisposable
{
    Dataset Dataset { get; }

    /// <summary>Batches of one epoch on this rank.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>The batches of an epoch, the first <paramref name="skip"/> left out unread (for resuming). The caller disposes each
    /// batch.</summary>
    IEnumerable<Batch> Epoch(int epoch, int skip = 0);

    /// <summary>From the next epoch on, samples go through another pipeline.</summary>
    /// <exception cref="InvalidOperationException">An epoch is being read.</exception>
    void UsePipeline(IReadOnlyList<Transform> pipeline) =>
        throw new UserErrorException($"{GetType().Name} can't change its pipeline (IBatchLoader.UsePipeline).");

    /// <summary>Time the consumer spent waiting for data since the last call, and the total time that passed.</summary>
    (TimeSpan Waiting, TimeSpan Total) TakeWaitTimes();

    /// <summary>What decides which samples a batch holds, by config path, so that a run is resumed with the same; empty where a loader
    /// doesn't say.</summary>
    IReadOnlyDictionary<string, string> OrderedBy => System.Collections.Frozen.FrozenDictionary<string, string>.Empty;

    /// <summary>Samples that could not be read and were left out, by name, with the reason.</summary>
    IReadOnlyList<(string Name, string Reason)> Skipped { get; }
}

/// <summary>What a sample that can't be read does.</summary>
public enum BadSample
{
    Fail,
    Skip,
}

/// <param name="BatchSize">Samples per process and step.</param>
/// <param name="Workers">Threads that read ahead; 0 reads in the training thread.</param>
/// <param name="Prefetch">Batches that may wait, at most, per worker.</param>
/// <param name="DropLast">Leave out a last batch that is not full.</param>
/// <param name="Sampler">In which order the samples come; as the data set has them by default.</param>
/// <param name="OnBadSample">Stop, naming the file, or say so and go on: in training another sample, drawn by the seed, takes its place, so
/// that batches keep their size; in evaluation the batch is smaller.</param>
public sealed record LoaderOptions(
    [property: System.ComponentModel.DataAnnotations.Range(1, 65536)] int BatchSize = 1,
    [property: System.ComponentModel.DataAnnotations.Range(0, 256)] int Workers = 2,
    [property: System.ComponentModel.DataAnnotations.Range(1, 64)] int Prefetch = 2,
    bool DropLast = false,
    BadSample OnBadSample = BadSample.Fail,
    Components.ComponentSpec<Sampler>? Sampler = null
);

/// <summary>Makes loaders; the data wing registers it.</summary>
public interface IBatchLoaderFactory
{
    /// <param name="training">Training decodes as small as a resize allows; evaluation decodes at full size.</param>
    /// <param name="sampler">null: in order.</param>
    /// <param name="rank">This process's place among <paramref name="worldSize"/>; each reads its own samples.</param>
    /// <param name="batchTransforms">Applied to every batch as it is handed out, in order.</param>
    IBatchLoader Create(
        Dataset dataset,
        IReadOnlyList<Transform> pipeline,
        Sampler? sampler,
        LoaderOptions options,
        long seed,
        bool training,
        int rank = 0,
        int worldSize = 1,
        IReadOnlyList<BatchTransform>? batchTransforms = null
    );
}

/// <summary>Changes a whole batch on its way to the model (Mixup, CutMix).</summary>
[Components.ComponentKind("batch transform")]
public abstract class BatchTransform
{
    /// <summary>Changes the batch in place; tensors it replaces are disposed.</summary>
    /// <param name="random">Seeded by (seed, epoch, batch).</param>
    public abstract void Apply(Batch batch, DataInfo info, RandomSource random);
}
