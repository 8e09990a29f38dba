using System.Collections.Concurrent;
using System.Diagnostics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Results;

namespace Tessera.Serving;

/// <summary>
/// A trained model for programs that serve many callers: any number of threads may ask at once. Images are read and prepared side by side;
/// those of one size that are asked for at the same time are predicted in one step, which is faster than one by one.
/// </summary>
/// <example><code>
/// await using var pool = PredictorPool.Load("work_dirs/pets/best_accuracy_top1.safetensors");
/// pool.WarmUp();
/// var result = await pool.RecognizeAsync(request.Body, cancellation: request.HttpContext.RequestAborted);
/// </code></example>
public sealed class PredictorPool : IAsyncDisposable, IDisposable
{
    private readonly Predictor[] _predictors;
    private readonly PredictorPoolOptions _options;
    private readonly BlockingCollection<PoolRequest> _queue = [];
    private readonly SemaphoreSlim _room;
    private readonly Thread[] _threads;
    private long _steps;
    private int _disposed;

    private PredictorPool(Predictor[] predictors, PredictorPoolOptions options)
    {
        (_predictors, _options) = (predictors, options);
        _room = new SemaphoreSlim(options.MostWaiting);
        _threads = Array.ConvertAll(
            predictors,
            predictor => new Thread(() => Serve(predictor)) { IsBackground = true, Name = "predictor" }
        );
        foreach (var thread in _threads)
            thread.Start();
    }

    /// <summary>The classes that the model was trained on.</summary>
    public DataInfo Data => _predictors[0].Data;

    /// <summary>Steps of the models so far: fewer than images, where images came together.</summary>
    public long Steps => Interlocked.Read(ref _steps);

    /// <summary>Loads a checkpoint that <c>tools/train</c> wrote.</summary>
    /// <exception cref="UserErrorException">The file is no such checkpoint, is damaged, or needs a plugin that the options don't
    /// name.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A number of the options is below 1, or the patience below 0.</exception>
    public static PredictorPool Load(string checkpoint, PredictorPoolOptions? options = null)
    {
        options ??= new PredictorPoolOptions();
        if (options is not { Predictors: >= 1, MostTogether: >= 1, MostWaiting: >= 1 } || options.Patience < TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(nameof(options), options, "Its numbers are at least 1, its patience at least zero.");
        var predictors = new List<Predictor>();
        try
        {
            for (var i = 0; i < options.Predictors; i++)
                predictors.Add(Predictor.Load(checkpoint, options.Predictor));
            return new PredictorPool([.. predictors], options);
        }
        catch
        {
            predictors.ForEach(predictor => predictor.Dispose());
            throw;
        }
    }

    /// <summary>Predicts grey images and forgets them, one alone and as many as go together, so that the first callers don't wait for code
    /// and memory to be made ready. Before anything is asked for.</summary>
    /// <param name="height">Of the images, as those that will come.</param>
    /// <param name="width">Of the images.</param>
    public void WarmUp(int height = 224, int width = 224)
    {
        foreach (var predictor in _predictors)
            lock (predictor)
                foreach (var together in new[] { 1, _options.MostTogether }.Distinct())
                    predictor.WarmUp(height, width, together);
    }

    /// <summary>What the model makes of an image file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends the waiting; an image that is not predicted yet is not predicted any more.</param>
    /// <exception cref="UserErrorException">It can't be read as an image; other calls are not concerned.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public Task<Result> RecognizeAsync(string path, CancellationToken cancellation = default) =>
        Ask(() => PredictionInput.File(0, path), cancellation);

    /// <summary>What the model makes of an image file in memory.</summary>
    /// <param name="file">Must not change until the task has ended.</param>
    /// <param name="name">For messages.</param>
    /// <param name="cancellation">As above.</param>
    /// <exception cref="UserErrorException">It can't be read as an image; other calls are not concerned.</exception>
    public Task<Result> RecognizeAsync(ReadOnlyMemory<byte> file, string name = "image", CancellationToken cancellation = default) =>
        Ask(() => PredictionInput.Encoded(0, file, name), cancellation);

    /// <summary>What the model makes of an image file from a stream, which is read to its end, without holding a thread while it
    /// comes.</summary>
    /// <param name="stream">Stays the caller's.</param>
    /// <param name="name">For messages.</param>
    /// <param name="cancellation">As above.</param>
    /// <exception cref="UserErrorException">It can't be read as an image; other calls are not concerned.</exception>
    public async Task<Result> RecognizeAsync(Stream stream, string name = "image", CancellationToken cancellation = default)
    {
        var file = await PredictionInput.ReadAsync(stream, name, cancellation).ConfigureAwait(false);
        return await RecognizeAsync(file, name, cancellation).ConfigureAwait(false);
    }

    /// <summary>What the model makes of an image in memory (RGB).</summary>
    /// <param name="image">Must not change until the task has ended.</param>
    /// <param name="cancellation">As above.</param>
    public Task<Result> RecognizeAsync(Image image, CancellationToken cancellation = default) =>
        Ask(() => PredictionInput.InMemory(0, image), cancellation);

    /// <summary>Takes no more calls, ends those that wait, and frees the models.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _queue.CompleteAdding();
        foreach (var thread in _threads)
            thread.Join();
        foreach (var predictor in _predictors)
            predictor.Dispose();
        _queue.Dispose();
    }

    /// <summary>As <see cref="Dispose"/>, without holding the caller's thread.</summary>
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    private async Task<Result> Ask(Func<Sample> read, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        await _room.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            var prepared = await Task.Run(() => _predictors[0].Prepare(read()), cancellation).ConfigureAwait(false);
            var request = new PoolRequest(prepared);
            using var ended = cancellation.Register(() => request.Done.TrySetCanceled(cancellation));
            try
            {
                _queue.Add(request, CancellationToken.None);
            }
            catch (InvalidOperationException error)
            {
                throw new ObjectDisposedException($"{nameof(PredictorPool)} was disposed of meanwhile.", error);
            }
            return Result.Of(await request.Done.Task.ConfigureAwait(false), Data);
        }
        finally
        {
            _room.Release();
        }
    }

    private void Serve(Predictor predictor)
    {
        while (_queue.TryTake(out var first, Timeout.Infinite))
        {
            var together = Gather(first);
            foreach (var size in together.GroupBy(request => request.Image.Size))
                lock (predictor) // WarmUp may be at work
                    Answer(predictor, [.. size.Where(request => !request.Done.Task.IsCompleted)]);
        }
    }

    private List<PoolRequest> Gather(PoolRequest first)
    {
        var (together, begun) = (new List<PoolRequest> { first }, Stopwatch.GetTimestamp());
        while (together.Count < _options.MostTogether)
        {
            var left = _options.Patience - Stopwatch.GetElapsedTime(begun);
            if (!_queue.TryTake(out var next, left > TimeSpan.Zero ? (int)Math.Ceiling(left.TotalMilliseconds) : 0))
                break;
            together.Add(next);
        }
        return together;
    }

    private void Answer(Predictor predictor, PoolRequest[] requests)
    {
        if (requests.Length == 0)
            return;
        try
        {
            Interlocked.Increment(ref _steps);
            var found = predictor.Predict([.. requests.Select(request => request.Image)]);
            for (var i = 0; i < requests.Length; i++)
                requests[i].Done.TrySetResult(found[i]);
        }
        catch (Exception) when (requests.Length > 1)
        {
            foreach (var request in requests) // one of them is at fault, and the others shall not suffer for it
                Answer(predictor, [request]);
        }
        catch (Exception error)
        {
            requests[0].Done.TrySetException(error);
        }
    }

    /// <param name="Image">Prepared.</param>
    private sealed record PoolRequest(PreparedImage Image)
    {
        public TaskCompletionSource<Prediction> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
