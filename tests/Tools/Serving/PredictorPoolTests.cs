using Tessera.Datasets.Images;
using Tessera.Framework.Errors;
using Tessera.Results;
using Tessera.Serving;
using Tessera.Tests.Tools.EndToEnd;

namespace Tessera.Tests.Tools.Serving;

/// <summary>One model for many callers at once.</summary>
[Collection(InProcess.Name)]
public sealed class PredictorPoolTests(TinyRun run) : IClassFixture<TinyRun>
{
    private static readonly PredictorPoolOptions s_options = new()
    {
        Predictor = new PredictorOptions { Device = "cpu" },
        Patience = TimeSpan.FromMilliseconds(200),
        MostTogether = 8,
    };

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task CallsAtOnce_GetTheirOwnResults_InFewerSteps(int predictors)
    {
        const int count = 32;
        var files = Enumerable.Range(0, count).Select(TinyRun.Png).ToArray();
        var path = Path.Combine(run.New(), "0.png");
        await File.WriteAllBytesAsync(path, files[0]);
        using var one = Predictor.Load(run.Checkpoint, s_options.Predictor);
        var expected = files.Select(file => (Classification)one.Recognize(file)).ToArray();
        await using var pool = PredictorPool.Load(run.Checkpoint, s_options with { Predictors = predictors });
        pool.WarmUp(32, 32);
        Assert.Equal(0, pool.Steps);
        var found = await Task.WhenAll(
            Enumerable
                .Range(0, count)
                .Select(i =>
                    Task.Run(() =>
                        (i % 4) switch
                        {
                            0 => pool.RecognizeAsync(files[i]),
                            1 => pool.RecognizeAsync(new MemoryStream(files[i])),
                            2 => pool.RecognizeAsync(ImageCodec.Decode(files[i], "shape")),
                            _ => pool.RecognizeAsync(files[i], $"image {i}"),
                        }
                    )
                )
                .Append(pool.RecognizeAsync(path))
        );
        Assert.InRange(pool.Steps, 1, count / 2);
        for (var i = 0; i <= count; i++)
            Assert.All(
                Scores(expected[i % count]).Zip(Scores((Classification)found[i])),
                scores => Assert.Equal(scores.First, scores.Second, 1e-5f)
            );
        Assert.True(expected.Select(result => result.Best.Score).Distinct().Count() > count / 2); // they can be told apart
    }

    [Fact]
    public async Task BadImage_FailsItsOwnCallAlone()
    {
        await using var pool = PredictorPool.Load(run.Checkpoint, s_options);
        var good = Enumerable.Range(0, 4).Select(i => pool.RecognizeAsync(TinyRun.Png(i))).ToArray();
        var cut = pool.RecognizeAsync(TinyRun.Png(0).AsMemory(0, 200), "cut.png");
        var text = pool.RecognizeAsync(new MemoryStream("hello"u8.ToArray()), "text");
        Assert.Contains("cut.png", (await Assert.ThrowsAsync<UserErrorException>(() => cut)).Message, StringComparison.Ordinal);
        Assert.Contains("text", (await Assert.ThrowsAsync<UserErrorException>(() => text)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<UserErrorException>(() => pool.RecognizeAsync(Path.Combine(run.Folder, "nowhere.png")));
        Assert.All(await Task.WhenAll(good), result => Assert.IsType<Classification>(result));
    }

    [Fact]
    public async Task Cancelled_EndsAtOnce_AndIsNotPredicted()
    {
        await using var pool = PredictorPool.Load(run.Checkpoint, s_options with { Patience = TimeSpan.FromSeconds(2), MostTogether = 2 });
        using var source = new CancellationTokenSource();
        var waiting = pool.RecognizeAsync(TinyRun.Png(0), cancellation: source.Token);
        await Task.Delay(300);
        Assert.False(waiting.IsCompleted); // it waits for another
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pool.RecognizeAsync(TinyRun.Png(0), cancellation: source.Token));
        _ = await pool.RecognizeAsync(TinyRun.Png(1));
        Assert.Equal(1, pool.Steps);
    }

    [Fact]
    public async Task MoreThanMayWait_AreAnsweredAllTheSame()
    {
        await using var pool = PredictorPool.Load(
            run.Checkpoint,
            s_options with
            {
                MostWaiting = 2,
                MostTogether = 4,
                Patience = TimeSpan.Zero,
            }
        );
        var found = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => pool.RecognizeAsync(TinyRun.Png(i))));
        Assert.Equal(12, found.Length);
        Assert.InRange(pool.Steps, 6, 12); // never more than two at once
    }

    [Fact]
    public async Task Disposed_AnswersWhatWaits_AndTakesNothingMore()
    {
        var pool = PredictorPool.Load(run.Checkpoint, s_options);
        var waiting = pool.RecognizeAsync(TinyRun.Png(0));
        await Task.Delay(100);
        await pool.DisposeAsync();
        Assert.IsType<Classification>(await waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pool.RecognizeAsync(TinyRun.Png(0)));
        await pool.DisposeAsync();
    }

    [Fact]
    public void WrongNumbers_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => PredictorPool.Load(run.Checkpoint, new() { Predictors = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => PredictorPool.Load(run.Checkpoint, new() { Patience = TimeSpan.FromSeconds(-1) }));
        Assert.Throws<UserErrorException>(() => PredictorPool.Load(Path.Combine(run.Folder, "nowhere.safetensors")));
    }

    [Fact]
    public void Predictor_BytesAndStreams_AreAsTheFile()
    {
        var file = TinyRun.Png(5);
        var path = Path.Combine(run.New(), "one.png");
        File.WriteAllBytes(path, file);
        using var predictor = Predictor.Load(run.Checkpoint, s_options.Predictor);
        predictor.WarmUp(32, 32, together: 3);
        var expected = Scores((Classification)predictor.Recognize(path));
        Assert.Equal(expected, Scores((Classification)predictor.Recognize(file)));
        using var stream = new MemoryStream(file);
        Assert.Equal(expected, Scores((Classification)predictor.Recognize(stream)));
        using var broken = new FailingStream();
        Assert.Contains(
            "the stream can't be read: gone",
            Assert.Throws<UserErrorException>(() => predictor.Predict(broken, "upload")).Message,
            StringComparison.Ordinal
        );
    }

    private static float[] Scores(Classification result) => [.. result.Ranked.OrderBy(entry => entry.Index).Select(entry => entry.Score)];

    private sealed class FailingStream : MemoryStream
    {
        public override int Read(Span<byte> buffer) => throw new IOException("gone");
    }
}
