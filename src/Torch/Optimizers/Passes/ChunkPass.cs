using static TorchSharp.torch;

namespace Tessera.Torch.Optimizers.Passes;

/// <summary>One pass over the memory of many tensors, cut into chunks of equal length across them, on as many threads as libtorch
/// uses.</summary>
/// <remarks>
/// Where the cuts fall depends on the tensors alone, not on the number of threads or on timing, so sums that are taken by chunk and then
/// added up in
/// order are the same in every run.
/// </remarks>
internal abstract class ChunkPass
{
    /// <summary>Elements of a chunk: 64 KiB of each tensor, so that the tensors of an optimizer fit the second-level cache
    /// together.</summary>
    public const int Length = 1 << 14;

    private readonly List<(long Start, long Count)> _spans = [];

    /// <summary>Elements of all tensors.</summary>
    public long Total { get; private set; }

    /// <summary>Tensors that the next <see cref="Run"/> will visit.</summary>
    public int Count => _spans.Count;

    public int Chunks => checked((int)((Total + Length - 1) / Length));

    public void Run()
    {
        if (Total > 0)
            new SharedWork(this, Chunks).Run(get_num_threads());
    }

    public virtual void Clear()
    {
        _spans.Clear();
        Total = 0;
    }

    /// <summary>Does the part of a chunk that lies in one tensor; called from several threads.</summary>
    /// <param name="tensor">Which, in the order of adding.</param>
    /// <param name="from">The first element, within the tensor.</param>
    /// <param name="to">Behind the last one.</param>
    protected abstract void Visit(int chunk, int tensor, long from, long to);

    protected void AddSpan(long count)
    {
        _spans.Add((Total, count));
        Total += count;
    }

    private void Visit(int chunk)
    {
        var start = (long)chunk * Length;
        var end = Math.Min(start + Length, Total);
        for (var i = At(start); i < _spans.Count && _spans[i].Start < end; i++)
        {
            var (first, count) = _spans[i];
            var (from, to) = (Math.Max(start, first) - first, Math.Min(end - first, count));
            if (from < to)
                Visit(chunk, i, from, to);
        }
    }

    /// <summary>The last tensor that starts at or before an element.</summary>
    private int At(long element)
    {
        var (low, high) = (0, _spans.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            (low, high) = _spans[middle].Start <= element ? (middle, high) : (low, middle - 1);
        }
        return low;
    }

    /// <summary>The chunks of one run. Threads of the pool help; the calling one does all that they don't come to, so a busy pool delays
    /// nothing.</summary>
    private sealed class SharedWork(ChunkPass pass, int chunks) : IThreadPoolWorkItem
    {
        private int _taken,
            _done;

        public void Run(int threads)
        {
            for (var helpers = Math.Min(threads, chunks) - 1; helpers > 0; helpers--)
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            Execute();
            for (var wait = new SpinWait(); Volatile.Read(ref _done) < chunks; )
                wait.SpinOnce(sleep1Threshold: -1); // at most a chunk: too short to sleep
        }

        public void Execute()
        {
            for (int chunk; (chunk = Interlocked.Increment(ref _taken) - 1) < chunks; )
            {
                pass.Visit(chunk);
                Interlocked.Increment(ref _done);
            }
        }
    }
}
