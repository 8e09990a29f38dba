using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Losses.Contrast;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Contrast;

/// <summary>What the memory must keep to; each test names the defect of the published code that it would catch.</summary>
[Collection(ProcessWide.Name)]
public sealed class PixelMemoryTests
{
    private const int Classes = 3,
        Dim = 4;

    private static readonly PixelContrastLossOptions _options = new(
        MaxSamples: 100000,
        MaxViews: 100000,
        Memory: new(Size: 8, PixelUpdateFreq: 3, Samples: 0)
    );

    // Published: the pointer moves by one instead of by the number written, and at the wrap the newest are overwritten.
    [Theory]
    [InlineData(5, 1, 3, 2, 5)]
    [InlineData(5, 12, 1, 1)]
    [InlineData(4, 4, 4)]
    [InlineData(4, 9)] // more at once than there is room for: the last ones stay
    public void Enqueue_OverWraps_EqualsAListOfTheLast(int size, params int[] batches)
    {
        using var scope = NewDisposeScope();
        using var queue = new FeatureQueue(2, size, 3);
        var random = new Random(size);
        var (expected, stamps) = (new float[size][], new long[size]);
        int next = 0,
            filled = 0,
            iteration = 0;
        foreach (var count in batches)
        {
            iteration += 10;
            queue.Refresh(queue.State.flatten().Values<long>());
            var features = Enumerable.Range(0, count).Select(_ => Scene.Unit(random, 3).Select(v => (float)v).ToArray()).ToArray();
            queue.Enqueue(tensor([.. features.SelectMany(f => f)]).view(-1, 3).mul(7), [.. Enumerable.Repeat(1, count)], iteration);
            foreach (var feature in features)
            {
                (expected[next], stamps[next]) = (feature, iteration);
                next = (next + 1) % size;
                filled = Math.Min(filled + 1, size);
            }
            Assert.Equal([0, next, 0, filled], queue.State.flatten().Values<long>());
        }
        var rows = queue.Rows[1].Values<float>();
        for (var i = 0; i < filled; i++)
        {
            Assert.Equal(stamps[i], queue.Stamps[1].Values<long>()[i]);
            for (var d = 0; d < 3; d++)
                Assert.Equal(expected[i][d], rows[i * 3 + d], 1e-5f); // of length 1, though 7 came in
        }
        Assert.Equal(0, queue.Rows[0].abs().sum().item<float>());
    }

    // Published: the wrong pixels are enqueued (positions within the class taken as positions within the image), class 0 never.
    [Fact]
    public void Compute_Training_EnqueuesPixelsAndMeansOfTheirOwnClass()
    {
        using var scope = NewDisposeScope();
        using var loss = Make();
        var random = new Random(2);
        var seen = Enumerable.Range(0, Classes).Select(_ => new List<double[]>()).ToArray();
        var means = Enumerable.Range(0, Classes).Select(_ => new List<double[]>()).ToArray();
        for (var step = 0; step < 4; step++)
        {
            var scene = new Scene(
                random,
                2,
                3,
                3,
                Dim,
                Classes,
                cell =>
                    cell % 9 < 5 ? 0
                    : cell % 9 < 7 ? 1
                    : random.Next(2) == 0 ? 2
                    : Scene.Ignored
            );
            loss.Compute(scene.Logits, scene.Targets, new Progress(step, 10, 0, 1));
            foreach (var group in scene.Valid.GroupBy(cell => (scene.ImageOf(cell), scene.Labels[cell])))
            {
                seen[group.Key.Item2].AddRange(group.Select(cell => scene.Rows[cell]));
                var mean = Enumerable.Range(0, Dim).Select(d => group.Average(cell => scene.Rows[cell][d])).ToArray();
                means[group.Key.Item2].Add([.. mean.Select(v => v / Math.Sqrt(mean.Sum(m => m * m)))]);
            }
        }
        for (var c = 0; c < Classes; c++)
        {
            Assert.Equal(Math.Min(8, means[c].Count), loss.Memory!.Segments!.Filled[c]);
            Assert.True(loss.Memory.Pixels!.Filled[c] > 0);
            var stored = loss.Memory.Pixels.Rows[c].Values<float>().Chunk(Dim).Take(loss.Memory.Pixels.Filled[c]).ToArray();
            Assert.All(stored, row => Assert.Contains(seen[c], pixel => Same(pixel, row)));
            var segments = loss.Memory.Segments.Rows[c].Values<float>().Chunk(Dim).Take(loss.Memory.Segments.Filled[c]).ToArray();
            Assert.All(segments.Zip(means[c]), pair => Assert.True(Same(pair.Second, pair.First)));
        }
        // Class 0 has 5 pixels in each image, of which 3 go in: 4 steps of 2 images fill 24 rows of 8, three times around.
        Assert.Equal((0, 8), ((int)loss.Memory!.Pixels!.State[0, 0].item<long>(), loss.Memory.Pixels.Filled[0]));
    }

    // Published: never-written random rows take part, as class 0; the mask's columns don't belong to the memory's rows.
    [Fact]
    public void Draw_PartlyFilled_GivesWrittenRowsWithTheirClass()
    {
        using var scope = NewDisposeScope();
        using var memory = new PixelMemory(new PixelMemoryOptions(Size: 8, Samples: 0), Classes, Dim, null);
        Assert.Null(memory.Draw(new RandomSource(1)).Rows);
        // The row itself says which class it is of.
        memory.Segments!.Enqueue(eye(Dim).index_select(0, tensor(new long[] { 0, 2, 2 })), [0, 2, 2], 1);
        memory.Pixels!.Enqueue(eye(Dim).index_select(0, tensor(new long[] { 1, 0 })), [1, 0], 1);
        var (rows, classes) = memory.Draw(new RandomSource(1));
        Assert.Equal([0, 2, 2, 0, 1], classes);
        Assert.Equal(classes, rows!.argmax(1).Values<long>());
        Assert.Equal(5, rows.sum().item<float>());
    }

    [Fact]
    public void Draw_BoundedSamples_TakesDifferentRowsOfEachClass()
    {
        using var scope = NewDisposeScope();
        using var memory = new PixelMemory(new PixelMemoryOptions(Size: 8, Samples: 4), Classes, 32, null);
        memory.Segments!.Enqueue(eye(32).narrow(0, 0, 6), [0, 0, 0, 0, 0, 1], 1);
        memory.Pixels!.Enqueue(eye(32).narrow(0, 6, 6), [0, 0, 0, 2, 2, 2], 1);
        var random = new RandomSource(3);
        var counts = new float[12];
        for (var i = 0; i < 400; i++)
        {
            var (rows, classes) = memory.Draw(random);
            Assert.Equal([4, 1, 3], [classes.Count(c => c == 0), classes.Count(c => c == 1), classes.Count(c => c == 2)]);
            var drawn = rows!.sum([0]).Values<float>()[..12];
            Assert.All(drawn, times => Assert.InRange(times, 0, 1));
            for (var row = 0; row < 12; row++)
                counts[row] += drawn[row];
        }
        // 4 of 8 rows, 400 times
        Assert.All(counts.Where((_, row) => row is < 5 or (>= 6 and < 9)), count => Assert.InRange(count, 150, 250));
    }

    // Published: the memory holds what gradients could flow into.
    [Fact]
    public void Compute_WithMemory_GivesGradientToAnchorsOnly()
    {
        using var scope = NewDisposeScope();
        using var loss = Make();
        var first = Any(1);
        loss.Compute(first.Logits, first.Targets, default).backward();
        first.Embeddings.grad!.zero_();
        var second = Any(2);
        loss.Compute(second.Logits, second.Targets, default).backward();
        Assert.True(second.Embeddings.grad!.abs().sum().item<float>() > 0);
        Assert.Equal(0, first.Embeddings.grad.abs().sum().item<float>());
        Assert.All(loss.Memory!.buffers(), buffer => Assert.False(buffer.requires_grad));
    }

    [Fact]
    public void Compute_InEvaluation_KeepsNothing()
    {
        using var scope = NewDisposeScope();
        using var loss = Make();
        loss.eval();
        var scene = Any(1);
        loss.Compute(scene.Logits, scene.Targets, default);
        Assert.Equal(0, loss.Memory!.Segments!.State.sum().item<long>());
    }

    [Fact]
    public void Compute_BeforeStartIters_FillsButDoesNotCompare()
    {
        using var scope = NewDisposeScope();
        using var plain = new PixelContrastLoss(_options with { Memory = null });
        using var late = new PixelContrastLoss(_options with { Memory = _options.Memory! with { StartIters = 3 } }, Build.Classes(Classes))
        {
            WarmupIters = 2,
        };
        late.ExpectEmbeddings(Dim);
        for (var step = 2; step < 6; step++)
        {
            var scene = Any(step);
            var (with, without) = (
                late.Compute(scene.Logits, scene.Targets, new Progress(step, 9, 0, 1)).item<float>(),
                plain.Compute(scene.Logits, scene.Targets, default).item<float>()
            );
            Assert.Equal(step < 5, Math.Abs(with - without) < 1e-4);
        }
    }

    // Published: queues live in the trainer and are not saved.
    [Fact]
    public void StateDict_IntoAnother_GoesOnExactly()
    {
        using var scope = NewDisposeScope();
        using var first = Make();
        using var second = Make();
        for (var step = 0; step < 5; step++)
            Step(first, step);
        second.load_state_dict(first.state_dict());
        for (var step = 5; step < 9; step++)
            Assert.Equal(Step(first, step), Step(second, step));
        foreach (var (name, buffer) in first.state_dict())
            Assert.True(buffer.equal(second.state_dict()[name]).all().item<bool>(), name);
        Assert.Equal(6, first.state_dict().Count);

        static float Step(PixelContrastLoss loss, int step)
        {
            manual_seed(step); // as a run does that restores the generator
            var scene = Any(step);
            return loss.Compute(scene.Logits, scene.Targets, new Progress(step, 9, 0, 1)).item<float>();
        }
    }

    [Fact]
    public void Explain_OtherDimension_NamesBothAndTheOption()
    {
        using var loss = Make();
        var text = ((ITrainingMemory)loss.Memory!).Explain("pixels.rows", [Classes, 8, 64])!;
        Assert.Contains("64", text);
        Assert.Contains($"gives {Dim}", text);
        Assert.Contains("projection_head.dim", text);
        Assert.Contains("memory.size", ((ITrainingMemory)loss.Memory!).Explain("pixels.rows", [Classes, 16, Dim])!);
        Assert.Null(((ITrainingMemory)loss.Memory!).Explain("pixels.state", [2, 5]));
    }

    // By hand: class 0 holds (1,0,0,0) twice and (0,1,0,0); class 1 holds (1,0,0,0).
    // Pairs within classes: of the three of class 0, similarities 1, 0, 0: mean 1/3. Between: 1, 1, 0: mean 2/3.
    [Fact]
    public void Scalars_KnownRows_EqualsArithmetic()
    {
        using var scope = NewDisposeScope();
        using var memory = new PixelMemory(new PixelMemoryOptions(Size: 4, Segments: false), 2, Dim, ["sky", "road"]);
        Assert.Equal(["memory/fill", "memory/fill/sky", "memory/fill/road"], memory.Scalars(default).Select(scalar => scalar.Name));
        memory.Pixels!.Enqueue(eye(Dim).index_select(0, tensor(new long[] { 0, 0, 0 })), [0, 0, 1], 10);
        memory.Pixels.Enqueue(eye(Dim).index_select(0, tensor(new long[] { 1 })), [0], 16);
        var scalars = memory.Scalars(new Progress(20, 100, 0, 1)).ToDictionary(scalar => scalar.Name, scalar => scalar.Value);
        Assert.Equal(4 / 8.0, scalars["memory/fill"], 1e-6);
        Assert.Equal(3 / 4.0, scalars["memory/fill/sky"], 1e-6);
        Assert.Equal((10 + 10 + 10 + 4) / 4.0, scalars["memory/age"], 1e-6);
        Assert.Equal(10, scalars["memory/age_max"], 1e-6);
        Assert.Equal(1 / 3.0, scalars["memory/similarity_within"], 1e-6);
        Assert.Equal(2 / 3.0, scalars["memory/similarity_between"], 1e-6);
    }

    private static PixelContrastLoss Make()
    {
        var loss = new PixelContrastLoss(_options, Build.Classes(Classes));
        loss.ExpectEmbeddings(Dim);
        return loss;
    }

    private static Scene Any(int seed)
    {
        var random = new Random(seed);
        return new Scene(random, 2, 3, 3, Dim, Classes, _ => random.Next(Classes));
    }

    private static bool Same(double[] a, float[] b) => a.Zip(b).All(pair => Math.Abs(pair.First - pair.Second) < 1e-5);
}
