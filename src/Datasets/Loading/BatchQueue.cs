using Tessera.Framework.Data;

namespace Tessera.Datasets.Loading;

/// <summary>The batches of one epoch, in order, filled by worker threads a bounded number ahead of the consumer.</summary>
internal sealed class BatchQueue : IDisposable
{
    private readonly SampleReader _reader;
    private readonly int[] _order,
        _occurrences;
    private readonly int _epoch,
        _batchSize,
        _end;
    private readonly PendingBatch?[] _ring;
    private readonly LoaderThreads _threads;
    private readonly int _workers;
    private readonly object _gate = new();
    private int _claimBatch,
        _claimSlot,
        _taken,
        _working;
    private bool _stopped;

    public BatchQueue(SampleReader reader, LoaderThreads threads, RankOrder order, int epoch, LoaderOptions options, int skip, int end)
    {
        (_reader, _threads, _epoch, _batchSize, _end) = (reader, threads, epoch, options.BatchSize, end);
        (_order, _occurrences) = (order.Indices, order.Occurrences);
        (_claimBatch, _taken) = (skip, skip);
        _ring = new PendingBatch?[Math.Max(1, options.Workers * options.Prefetch)];
        _workers = Math.Min(options.Workers, Math.Max(0, end - skip) * options.BatchSize);
    }

    public void Start()
    {
        _working = _workers;
        _threads.Start(_workers, Work, Left);
    }

    /// <summary>The next batch; null where all of its samples were left out.</summary>
    public Batch? Take()
    {
        using var pending = _workers == 0 ? ReadHere() : Wait();
        return pending.Finish();
    }

    /// <summary>Stops the threads, each after the sample it is at; they go back to where they came from.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
            while (_working > 0)
                Monitor.Wait(_gate);
            foreach (var pending in _ring)
                pending?.Dispose();
            Array.Clear(_ring);
        }
    }

    private void Left()
    {
        lock (_gate)
        {
            _working--;
            Monitor.PulseAll(_gate);
        }
    }

    private PendingBatch ReadHere()
    {
        var pending = Open(_taken++);
        for (var slot = 0; slot < pending.Count; slot++)
            pending.Fill(slot);
        return pending;
    }

    private PendingBatch Wait()
    {
        lock (_gate)
        {
            var place = _taken % _ring.Length;
            while (_ring[place] is not { IsComplete: true })
            {
                ObjectDisposedException.ThrowIf(_stopped, typeof(BatchLoader));
                Monitor.Wait(_gate);
            }
            ObjectDisposedException.ThrowIf(_stopped, typeof(BatchLoader));
            var pending = _ring[place]!;
            _ring[place] = null;
            _taken++;
            Monitor.PulseAll(_gate); // room for one more
            return pending;
        }
    }

    private void Work()
    {
        while (Claim() is { } claim)
        {
            if (!claim.Batch.Fill(claim.Slot))
                continue;
            lock (_gate)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>The next slot to fill; null at the end.</summary>
    private (PendingBatch Batch, int Slot)? Claim()
    {
        lock (_gate)
        {
            while (!_stopped && _claimBatch < _end && _claimBatch - _taken >= _ring.Length)
                Monitor.Wait(_gate);
            if (_stopped || _claimBatch >= _end)
                return null;
            var batch = _ring[_claimBatch % _ring.Length] ??= Open(_claimBatch);
            var claim = (batch, _claimSlot++);
            if (_claimSlot == batch.Count)
                (_claimBatch, _claimSlot) = (_claimBatch + 1, 0);
            return claim;
        }
    }

    private PendingBatch Open(int number)
    {
        var from = number * _batchSize;
        var to = Math.Min(from + _batchSize, _order.Length);
        return new PendingBatch(_reader, _order[from..to], _occurrences[from..to], _epoch);
    }
}
