namespace Tessera.Datasets.Loading;

/// <summary>Threads that read one epoch after another: an epoch takes those that are free, and makes more only where there are too
/// few.</summary>
internal sealed class LoaderThreads : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Stack<Worker> _free = [];
    private int _made;
    private bool _disposed;

    /// <summary>How many threads there are or were.</summary>
    public int Made => Volatile.Read(ref _made);

    /// <summary>Runs the work on so many threads; each comes back when its work returns.</summary>
    /// <param name="left">Called by each thread once it has come back.</param>
    public void Start(int count, Action work, Action left)
    {
        for (var i = 0; i < count; i++)
        {
            Worker worker;
            lock (_gate)
            {
                worker = _free.TryPop(out var free) ? free : new Worker(_made++);
            }
            worker.Do(() =>
            {
                work();
                Return(worker);
                left();
            });
        }
    }

    /// <summary>Ends the threads that are free; one that works ends when its work returns.</summary>
    public void Dispose()
    {
        Worker[] free;
        lock (_gate)
        {
            _disposed = true;
            free = [.. _free];
            _free.Clear();
        }
        foreach (var worker in free)
            worker.End();
    }

    private void Return(Worker worker)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                _free.Push(worker);
                return;
            }
        }
        worker.End();
    }

    /// <summary>One thread, waiting for work.</summary>
    private sealed class Worker
    {
        private readonly SemaphoreSlim _called = new(0);
        private volatile Action? _work;

        public Worker(int number) => new Thread(Run) { IsBackground = true, Name = $"loader {number}" }.Start();

        public void Do(Action work)
        {
            _work = work;
            _called.Release();
        }

        public void End()
        {
            _work = null;
            _called.Release();
        }

        private void Run()
        {
            while (true)
            {
                _called.Wait();
                if (_work is not { } work)
                    return;
                _work = null;
                work();
            }
        }
    }
}
