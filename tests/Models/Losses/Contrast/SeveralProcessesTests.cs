using Tessera.Framework.Models;
using Tessera.Models.Losses.Contrast;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Contrast;

public sealed class SeveralProcessesTests
{
    private const int Classes = 3,
        Dim = 4;

    // Two processes that gather have the loss of one process with both batches, and on average its gradient.
    [Fact]
    public void Compute_Gathering_EqualsOneProcessWithBothBatches()
    {
        using var scope = NewDisposeScope();
        var options = new PixelContrastLossOptions(MaxSamples: 100000, MaxViews: 100000, Gather: true);
        var scenes = Scenes();
        using var alone = new PixelContrastLoss(options);
        var both = cat([scenes[0].Embeddings, scenes[1].Embeddings]).detach().requires_grad_();
        var whole = alone.Compute(
            cat([scenes[0].Logits, scenes[1].Logits]),
            new LossTargets(cat([scenes[0].LabelMaps, scenes[1].LabelMaps]), Embeddings: both),
            default
        );
        whole.backward();

        var values = Threads.Run(
            (rank, group) =>
            {
                using var inner = NewDisposeScope();
                using var loss = new PixelContrastLoss(options) { Group = group };
                var value = loss.Compute(scenes[rank].Logits, scenes[rank].Targets, default);
                value.backward();
                return value.item<float>();
            }
        );
        Assert.All(values, value => Assert.Equal(whole.item<float>(), value, 1e-5f));
        var gradients = cat([scenes[0].Embeddings.grad!, scenes[1].Embeddings.grad!]) / 2; // the trainer's mean over processes
        Assert.True(gradients.allclose(both.grad!, atol: 1e-6));
    }

    // Published: with several processes each has queues of its own, of which one is saved.
    [Fact]
    public void Compute_WithMemory_FillsTheSameQueuesEverywhere()
    {
        using var scope = NewDisposeScope();
        var scenes = Scenes();
        var states = Threads.Run(
            (rank, group) =>
            {
                var loss = new PixelContrastLoss(new PixelContrastLossOptions(Memory: new(Size: 16)), Build.Classes(Classes))
                {
                    Group = group,
                };
                loss.ExpectEmbeddings(Dim);
                for (var step = 0; step < 3; step++)
                {
                    using var inner = NewDisposeScope();
                    // The last time one of them has nothing to give.
                    var labels = step == 2 && rank == 1 ? full_like(scenes[rank].LabelMaps, 255) : scenes[rank].LabelMaps;
                    loss.Compute(scenes[rank].Logits, scenes[rank].Targets with { Labels = labels }, new Progress(step, 3, 0, 1));
                }
                return loss;
            }
        );
        foreach (var (name, buffer) in states[0].state_dict())
            Assert.True(buffer.equal(states[1].state_dict()[name]).all().item<bool>(), name);
        // Segments: each step one of each class in each image that has it.
        var perStep = scenes
            .Select(scene => scene.Valid.Select(cell => (scene.ImageOf(cell), scene.Labels[cell])).Distinct().Count())
            .ToArray();
        Assert.Equal(3 * perStep[0] + 2 * perStep[1], states[0].Memory!.Segments!.Filled.Sum());
        foreach (var loss in states)
            loss.Dispose();
    }

    private static Scene[] Scenes() =>
        [
            .. Enumerable
                .Range(0, 2)
                .Select(rank =>
                {
                    var random = new Random(rank);
                    return new Scene(random, 1 + rank, 3, 3, Dim, Classes, _ => random.Next(Classes));
                }),
        ];

    /// <summary>Two processes played by threads.</summary>
    private static class Threads
    {
        public static T[] Run<T>(Func<int, IProcessGroup, T> work)
        {
            using var barrier = new Barrier(2);
            var posted = new byte[2][];
            var tasks = Enumerable
                .Range(0, 2)
                .Select(rank => Task.Factory.StartNew(() => work(rank, new Member(rank, barrier, posted)), TaskCreationOptions.LongRunning))
                .ToArray();
            Assert.True(Task.WaitAll(tasks, TimeSpan.FromSeconds(60)), "A process waits for one that doesn't come.");
            return [.. tasks.Select(task => task.Result)];
        }

        private sealed class Member(int rank, Barrier barrier, byte[][] posted) : IProcessGroup
        {
            public int Rank => rank;
            public int WorldSize => 2;

            public IReadOnlyList<byte[]> AllGather(byte[] bytes)
            {
                posted[rank] = bytes;
                Barrier();
                byte[][] all = [.. posted];
                Barrier();
                return all;
            }

            public void Barrier() => Assert.True(barrier.SignalAndWait(TimeSpan.FromSeconds(20)));

            public void AllReduceSum(Tensor tensor) => throw new NotSupportedException();

            public PendingOperation BeginAllReduceSum(Tensor tensor) => throw new NotSupportedException();

            public PendingOperation BeginSend(Tensor tensor, int rank) => throw new NotSupportedException();

            public void Receive(Tensor tensor, int rank) => throw new NotSupportedException();

            public Tensor Sum(Tensor tensor) => throw new NotSupportedException();

            public void Broadcast(Tensor tensor) => throw new NotSupportedException();

            public void Fail() { }

            public void Dispose() { }
        }
    }
}
