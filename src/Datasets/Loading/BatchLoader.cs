using System.Diagnostics;
using System.Globalization;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Datasets.Loading;

/// <summary>
/// Reads samples on threads of its own, a bounded number of batches ahead. What a batch holds depends on (seed, epoch, index)
/// alone: not on the number of workers, nor on which of them was faster.
/// </summary>
/// <remarks>
/// <para>Workers take samples one by one, in order, so that the first batch is ready as soon as it can be; pixels are written
/// straight into the batch's tensor, which is made as soon as the first sample's shape is known.</para>
/// <para>Several processes: rank r of W takes every W-th sample, so that batch k of all ranks together is batch k of one
/// process with W times the batch size. In training the order is filled up from its own beginning (or, with
/// <see cref="LoaderOptions.DropLast"/>, cut) until all ranks have the same number; in evaluation no sample comes twice.</para>
/// <para>A sample that can't be read, with <see cref="BadSample.Skip"/>: in training another sample, drawn by (seed, epoch,
/// index), takes its place; in evaluation it is left out, and a batch of nothing but such samples with it.</para>
/// </remarks>
public sealed class BatchLoader : IBatchLoader
{
    private readonly Sampler? _sampler;
    private readonly LoaderOptions _options;
    private readonly SampleReader _reader;
    private readonly IReadOnlyList<BatchTransform> _batchTransforms;
    private readonly long _seed;
    private readonly bool _training;
    private readonly int _rank,
        _worldSize;
    private readonly Lock _gate = new();
    private readonly HashSet<BatchQueue> _running = [];
    private readonly LoaderThreads _threads = new();
    private long _waitingTicks,
        _sinceTicks = Stopwatch.GetTimestamp();
    private RankOrder? _order;
    private int _orderEpoch = -1;
    private bool _disposed;

    internal BatchLoader(
        Dataset dataset,
        IReadOnlyList<Transform> pipeline,
        Sampler? sampler,
        LoaderOptions options,
        long seed,
        bool training,
        int rank,
        int worldSize,
        IReadOnlyList<BatchTransform> batchTransforms
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, worldSize);
        if (dataset.Count < 1)
            throw new UserErrorException($"The data set {dataset.GetType().Name} holds no samples.");
        Dataset = dataset;
        (_sampler, _options, _seed, _training) = (sampler, options, seed, training);
        (_rank, _worldSize, _batchTransforms) = (rank, worldSize, batchTransforms);
        _reader = new SampleReader(dataset, pipeline, seed, training, options.OnBadSample);
        var full = FullOrder(0);
        _order = RankOrder.Of(full, _rank, _worldSize, even: _training, cut: _options.DropLast);
        _orderEpoch = 0;
        var samples = _order.Indices.Length;
        BatchesPerEpoch = options.DropLast ? samples / options.BatchSize : (samples + options.BatchSize - 1) / options.BatchSize;
        OrderedBy = OrderFacts(full);
        if (BatchesPerEpoch == 0 && (training || options.DropLast))
            throw new UserErrorException(
                $"drop_last leaves nothing: {samples} samples do not fill one batch of {options.BatchSize}. Lower batch_size, or set "
                    + $"drop_last to false."
            );
    }

    public Dataset Dataset { get; }

    public int BatchesPerEpoch { get; }

    public IReadOnlyDictionary<string, string> OrderedBy { get; }

    public IReadOnlyList<(string Name, string Reason)> Skipped => _reader.Skipped;

    public IEnumerable<Batch> Epoch(int epoch, int skip = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(skip);
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Read(epoch, skip);
    }

    public void UsePipeline(IReadOnlyList<Transform> pipeline)
    {
        lock (_gate)
        {
            if (_running.Count > 0)
                throw new InvalidOperationException("The pipeline can't be changed while an epoch is being read.");
            _reader.Pipeline = pipeline;
        }
    }

    public (TimeSpan Waiting, TimeSpan Total) TakeWaitTimes()
    {
        var now = Stopwatch.GetTimestamp();
        var waiting = Stopwatch.GetElapsedTime(0, Interlocked.Exchange(ref _waitingTicks, 0));
        return (waiting, Stopwatch.GetElapsedTime(Interlocked.Exchange(ref _sinceTicks, now), now));
    }

    /// <summary>Stops every epoch still being read, and ends the threads.</summary>
    public void Dispose()
    {
        BatchQueue[] running;
        lock (_gate)
        {
            _disposed = true;
            running = [.. _running];
        }
        foreach (var queue in running)
            queue.Dispose();
        _threads.Dispose();
    }

    private IEnumerable<Batch> Read(int epoch, int skip)
    {
        var queue = new BatchQueue(_reader, _threads, OrderOf(epoch), epoch, _options, skip, BatchesPerEpoch);
        lock (_gate)
        {
            if (_disposed)
                yield break;
            _running.Add(queue);
        }
        try
        {
            queue.Start();
            for (var number = skip; number < BatchesPerEpoch; number++)
            {
                var asked = Stopwatch.GetTimestamp();
                var batch = queue.Take();
                Interlocked.Add(ref _waitingTicks, Stopwatch.GetTimestamp() - asked);
                if (batch is null)
                    continue;
                Change(batch, epoch, number);
                yield return batch;
            }
        }
        finally
        {
            queue.Dispose();
            lock (_gate)
                _running.Remove(queue);
        }
    }

    private void Change(Batch batch, int epoch, int number)
    {
        if (_batchTransforms.Count == 0)
            return;
        using var scope = NewDisposeScope();
        try
        {
            // The stream of batches lies apart from that of samples: their indices are never negative.
            var random = RandomSource.For(_seed, epoch, -1 - ((long)number * _worldSize + _rank));
            foreach (var transform in _batchTransforms)
                transform.Apply(batch, Dataset.Info, random);
            foreach (var tensor in batch.Tensors())
                tensor.DetachFromDisposeScope();
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    /// <summary>This rank's samples of an epoch, in order.</summary>
    private RankOrder OrderOf(int epoch)
    {
        lock (_gate)
        {
            if (_order is not null && _orderEpoch == epoch)
                return _order;
            _order = RankOrder.Of(FullOrder(epoch), _rank, _worldSize, even: _training, cut: _options.DropLast);
            _orderEpoch = epoch;
            return _order;
        }
    }

    /// <summary>All ranks' samples of an epoch, in order.</summary>
    private IReadOnlyList<int> FullOrder(int epoch)
    {
        var order = _sampler?.Order(Dataset, _seed, epoch) ?? [.. Enumerable.Range(0, Dataset.Count)];
        foreach (var index in order)
            if ((uint)index >= (uint)Dataset.Count)
                throw new InvalidOperationException($"{_sampler?.GetType().Name} gave index {index} of {Dataset.Count} samples.");
        return order;
    }

    private Dictionary<string, string> OrderFacts(IReadOnlyList<int> order)
    {
        var hash = 14695981039346656037UL; // FNV-1a: the same on every machine
        foreach (var index in order)
            hash = unchecked((hash ^ (uint)index) * 1099511628211UL);
        return new()
        {
            ["train.loader.batch_size"] = _options.BatchSize.ToString(CultureInfo.InvariantCulture),
            ["train.loader.drop_last"] = _options.DropLast ? "true" : "false",
            ["train.loader.sampler"] = _sampler?.GetType().Name ?? "none",
            ["train.dataset"] = $"{Dataset.Count} samples",
            ["seed"] = _seed.ToString(CultureInfo.InvariantCulture),
            ["order"] = hash.ToString("x16", CultureInfo.InvariantCulture),
        };
    }
}
