using System.Runtime.ExceptionServices;
using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>
/// Runs several parts of some work at once, each on a thread of its own on which libtorch's operators use no further threads.
/// Why it exists: an operator that divides its work among threads waits for all of them at its end, some hundred times in one pass of a
/// network; parts that need nothing of each other wait once. TorchSharp sets the number of threads for the whole process alone.
/// </summary>
/// <remarks>What libtorch keeps for each thread (gradients on or off, autocast) is the part's own to set. Not safe to call from several
/// threads at once.</remarks>
public sealed class SideBySide : IDisposable
{
    private readonly Worker[] _workers;

    /// <param name="parts">At most so many at once; at least 1.</param>
    public SideBySide(int parts) => _workers = [.. Enumerable.Range(1, parts - 1).Select(_ => new Worker())];

    /// <summary>Whether this libtorch lets a thread say how many others its operators use.</summary>
    public static bool IsAvailable => OneThread.IsAvailable;

    /// <summary>At most so many at once.</summary>
    public int Parts => _workers.Length + 1;

    /// <summary>Runs parts 0 to count - 1; the caller's thread runs the first.</summary>
    /// <exception cref="Exception">The first part's that failed; the others have ended by then.</exception>
    public void Run(int count, Action<int> part)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Parts);
        var failed = new ExceptionDispatchInfo?[count];
        using (var ended = new CountdownEvent(count))
        {
            for (var i = 1; i < count; i++)
            {
                var own = i;
                _workers[i - 1].Give(() => Guarded(own));
            }
            using (OneThread.Enter())
                Guarded(0);
            ended.Wait();

            void Guarded(int i)
            {
                try
                {
                    part(i);
                }
                catch (Exception error)
                {
                    failed[i] = ExceptionDispatchInfo.Capture(error);
                }
                finally
                {
                    ended.Signal();
                }
            }
        }
        Array.Find(failed, error => error is not null)?.Throw();
    }

    public void Dispose()
    {
        foreach (var worker in _workers)
            worker.Dispose();
    }

    /// <summary>A thread that does what it is given.</summary>
    private sealed class Worker : IDisposable
    {
        private readonly SemaphoreSlim _given = new(0);
        private readonly Thread _thread;
        private Action? _work;

        public Worker()
        {
            _thread = new Thread(Work) { IsBackground = true, Name = "side by side" };
            _thread.Start();
        }

        public void Give(Action work)
        {
            _work = work;
            _given.Release();
        }

        /// <summary>Ends the thread, which has nothing to do.</summary>
        public void Dispose()
        {
            _work = null;
            _given.Release();
            _thread.Join();
            _given.Dispose();
        }

        private void Work()
        {
            using var alone = OneThread.Enter();
            for (_given.Wait(); _work is { } work; _given.Wait())
                work();
        }
    }
}

/// <summary>The present thread's operators use no other thread until the end of the scope.</summary>
internal static unsafe class OneThread
{
    private static readonly delegate* unmanaged<int, void> s_openMp = (delegate* unmanaged<int, void>)
        Exports.Find(Exports.SetThreadsOfOpenMp);
    private static readonly delegate* unmanaged<int, int> s_mkl = (delegate* unmanaged<int, int>)Exports.Find(Exports.SetThreadsOfMkl);

    public static bool IsAvailable => s_openMp != null;

    public static Scope Enter()
    {
        var before = get_num_threads(); // where a thread has not asked for it yet, libtorch sets it first
        s_openMp(1);
        return new Scope(before, s_mkl == null ? 0 : s_mkl(1));
    }

    public readonly struct Scope(int openMp, int mkl) : IDisposable
    {
        public void Dispose()
        {
            s_openMp(openMp);
            if (s_mkl != null)
                _ = s_mkl(mkl);
        }
    }
}
