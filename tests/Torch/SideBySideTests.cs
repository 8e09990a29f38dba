using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch;

public sealed class SideBySideTests
{
    [Fact]
    public void Run_GivesEveryPartAThread_AndNoOperatorAnother()
    {
        Assert.True(SideBySide.IsAvailable);
        var before = get_num_threads();
        set_num_threads(3);
        try
        {
            using var threads = new SideBySide(3);
            using var together = new Barrier(3); // ends only where all three run at once
            var (within, on, sums) = (new int[3], new int[3], new double[3]);
            for (var turn = 0; turn < 2; turn++)
            {
                threads.Run(
                    3,
                    i =>
                    {
                        Assert.True(together.SignalAndWait(TimeSpan.FromSeconds(60)));
                        (within[i], on[i]) = (get_num_threads(), Environment.CurrentManagedThreadId);
                        using var scope = NewDisposeScope();
                        sums[i] = ones(200, 300).matmul(full(300, 200, i + 1.0)).sum().item<float>();
                    }
                );
                Assert.Equal([1, 1, 1], within);
                Assert.Equal(3, on.Distinct().Count());
                Assert.Equal(Environment.CurrentManagedThreadId, on[0]);
                Assert.Equal([200 * 200 * 300, 2 * 200 * 200 * 300, 3 * 200 * 200 * 300], sums);
                Assert.Equal(3, get_num_threads()); // the caller's operators have their threads again
            }
            threads.Run(1, i => within[i] = -1);
            Assert.Equal([-1, 1, 1], within);
            Assert.Throws<ArgumentOutOfRangeException>(() => threads.Run(4, _ => { }));
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Run_PartsThatFail_GiveTheFirstError_WhenAllHaveEnded()
    {
        using var threads = new SideBySide(3);
        var ended = 0;
        var error = Assert.Throws<InvalidOperationException>(() =>
            threads.Run(
                3,
                i =>
                {
                    Thread.Sleep(10 * (2 - i));
                    Interlocked.Increment(ref ended);
                    if (i > 0)
                        throw new InvalidOperationException($"part {i}");
                }
            )
        );
        Assert.Equal(("part 1", 3), (error.Message, ended));
        threads.Run(3, i => Interlocked.Increment(ref ended)); // and can go on
        Assert.Equal(6, ended);
    }
}
