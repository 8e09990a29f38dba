using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Losses.Contrast;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Losses.Contrast;

[Collection(ProcessWide.Name)]
public sealed class PixelContrastLossTests
{
    private static readonly PixelContrastLossOptions _everything = new(MaxSamples: 100000, MaxViews: 100000); // all pixels are anchors

    public static TheoryData<int> Cases() => [.. Enumerable.Range(0, 100)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Compute_RandomInput_EqualsDoubleLoop(int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        var classes = random.Next(2, 5);
        // By turns: any labels with some ignored; one class only; one pixel of each class; everything ignored.
        var scene = new Scene(
            random,
            random.Next(1, 4),
            random.Next(1, 4),
            random.Next(2, 5),
            random.Next(2, 6),
            classes,
            (seed % 10) switch
            {
                0 => _ => seed % classes,
                1 => cell => cell < classes ? cell : Scene.Ignored,
                2 => _ => Scene.Ignored,
                _ => _ => random.Next(5) == 0 ? Scene.Ignored : random.Next(classes),
            }
        );
        var reference = new BruteForce(random.NextDouble() * 0.5 + 0.1, random.NextDouble() * 0.5 + 0.1) { HardestHalf = seed % 3 == 1 };
        using var loss = new PixelContrastLoss(
            _everything with
            {
                Temperature = reference.Temperature,
                BaseTemperature = reference.BaseTemperature,
                Sampling = reference.HardestHalf ? PairChoice.HardestHalf : PairChoice.Random,
                Memory = seed % 2 == 0 ? new PixelMemoryOptions(Size: 6, Samples: 0, WithBatch: seed % 4 == 0) : null,
            },
            Build.Classes(classes)
        );
        loss.ExpectEmbeddings(scene.Dim);
        var (stored, storedClasses) = Fill(loss, random, classes, scene.Dim);

        var value = loss.Compute(scene.Logits, scene.Targets, default);
        value.backward();

        var valid = scene.Valid;
        var rows = valid.Select(cell => scene.Rows[cell]).ToArray();
        var (labels, images) = (valid.Select(cell => scene.Labels[cell]).ToArray(), valid.Select(scene.ImageOf).ToArray());
        double Reference(double[][] anchors) =>
            reference.Value(anchors, labels, images, stored, storedClasses, loss.Memory is null || seed % 4 == 0 || stored.Length == 0);
        var expected = Reference(rows);
        Close(expected, value.item<float>());
        var gradient = reference.Gradient(rows, Reference);
        foreach (var (want, got) in gradient.Zip(scene.Gradient(valid)))
            Close(want, got);
        Assert.All(scene.Gradient(Enumerable.Range(0, scene.Labels.Length).Except(valid)), got => Assert.Equal(0, got));

        static void Close(double want, double got) =>
            Assert.True(Math.Abs(want - got) <= 1e-5 * Math.Max(1, Math.Abs(want)), $"{got} instead of {want}");
    }

    // By hand: two pixels of class 0 at right angles, one of class 1 along the first. τ = 1.
    // Anchor a: s(a, b) = 0, s(a, n) = 1: -log(1 / (1 + e)) = 1.31326. Anchor b: s = 0 to both: log 2 = 0.69315.
    // Anchor n has no positive. Both anchors weigh 1/2: (1.31326 + 0.69315) / 2 = 1.00320.
    [Fact]
    public void Compute_ThreePixels_EqualsArithmetic()
    {
        using var scope = NewDisposeScope();
        using var loss = new PixelContrastLoss(_everything with { Temperature = 1, BaseTemperature = 1 });
        var embeddings = tensor(new float[] { 1, 0, 1, 0, 1, 0 }).view(1, 2, 1, 3);
        var labels = tensor(new long[] { 0, 0, 1 }).view(1, 1, 3);
        Assert.Equal(
            1.003204,
            loss.Compute(zeros(1, 2, 1, 3), new LossTargets(labels, Embeddings: embeddings), default).item<float>(),
            1e-5
        );
    }

    [Theory]
    [InlineData("random")]
    [InlineData("hardest_half")]
    [InlineData("semi_hard")]
    public void Compute_BoundedPairs_IsFiniteAndNoHarderThanHardest(string sampling)
    {
        using var scope = NewDisposeScope();
        var random = new Random(1);
        var scene = new Scene(random, 3, 6, 6, 8, 4, _ => random.Next(4));
        float Of(string options)
        {
            using var loss = Build.From<Loss>($$"""{ "type": "PixelContrastLoss", "max_views": 1000, {{options}} }""", Build.Classes(4));
            var value = loss.Compute(scene.Logits, scene.Targets, default);
            value.backward();
            Assert.True(scene.Embeddings.grad!.isfinite().all().item<bool>());
            return value.item<float>();
        }

        var bounded = Of($"\"sampling\": \"{sampling}\", \"positives\": 2, \"negatives\": 2");
        var hardest = Of("\"sampling\": \"hardest_half\", \"positives\": 2, \"negatives\": 2");
        Assert.InRange(bounded, 0, hardest + 1e-5f);
        Assert.True(bounded > 0);
    }

    [Fact]
    public void Narrow_SemiHard_TakesFromTheHardestTenth()
    {
        using var scope = NewDisposeScope();
        var similarity = arange(40, dtype: ScalarType.Float32).view(1, 40);
        var positive = similarity.lt(20);
        var (near, far) = new PairSampling(PairChoice.SemiHard, null, 1).Narrow(similarity, positive, positive.logical_not());
        Assert.Equal([0f, 1], similarity.masked_select(near).data<float>().ToArray()); // of 20 positives the 2 farthest
        Assert.Contains(similarity.masked_select(far).item<float>(), new[] { 38f, 39 }); // of 20 negatives one of the 2 nearest
    }

    [Fact]
    public void Compute_NoGroupWithEnoughPixels_IsZeroWithZeroGradient()
    {
        using var scope = NewDisposeScope();
        var random = new Random(0);
        var scene = new Scene(random, 1, 3, 3, 4, 3, cell => cell % 3);
        using var loss = new PixelContrastLoss(_everything with { MinViews = 4 });
        var value = loss.Compute(scene.Logits, scene.Targets, default);
        value.backward();
        Assert.Equal(0, value.item<float>());
        Assert.Equal(0, scene.Embeddings.grad!.abs().sum().item<float>());
    }

    [Fact]
    public void Compute_BeforeItComesIn_ReachesTheEmbeddingsAndKeepsNothing()
    {
        using var scope = NewDisposeScope();
        var random = new Random(0);
        var scene = new Scene(random, 1, 3, 3, 4, 3, cell => cell % 3);
        using var loss = new PixelContrastLoss(_everything with { Memory = new() }, Build.Classes(3)) { WarmupIters = 5 };
        loss.ExpectEmbeddings(4);
        loss.Compute(scene.Logits, scene.Targets, new Progress(4, 10, 0, 1)).backward();
        Assert.Equal(0, scene.Embeddings.grad!.abs().sum().item<float>());
        Assert.Equal(0, loss.Memory!.Pixels!.State.sum().item<long>());
        loss.Compute(scene.Logits, scene.Targets, new Progress(5, 10, 0, 1)).backward();
        Assert.True(loss.Memory.Pixels.State.sum().item<long>() > 0);
    }

    [Fact]
    public void Compute_ChannelsLastEmbeddings_GivesTheSame()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        var scene = new Scene(random, 2, 4, 4, 5, 3, _ => random.Next(3));
        using var loss = new PixelContrastLoss(_everything);
        var plain = loss.Compute(scene.Logits, scene.Targets, default).item<float>();
        var last = ChannelsLast.Lay(scene.Embeddings);
        Assert.Equal(plain, loss.Compute(scene.Logits, scene.Targets with { Embeddings = last }, default).item<float>(), 1e-6f);
    }

    [Fact]
    public void Compute_UnderAutocast_KeepsFullPrecision()
    {
        using var scope = NewDisposeScope();
        var random = new Random(3);
        var scene = new Scene(random, 2, 4, 4, 5, 3, _ => random.Next(3));
        using var loss = new PixelContrastLoss(_everything);
        var plain = loss.Compute(scene.Logits, scene.Targets, default).item<float>();
        using var autocast = Autocast.Enter(TorchSharp.DeviceType.CPU, ScalarType.BFloat16);
        Assert.Equal(plain, loss.Compute(scene.Logits, scene.Targets, default).item<float>(), 1e-6f);
        Assert.Equal(ScalarType.BFloat16, ones(2, 2).matmul(ones(2, 2)).dtype); // and autocast goes on after it
    }

    [Theory]
    [InlineData("")]
    [InlineData(", \"memory\": { \"size\": 4 }")]
    public void Compute_EmbeddingsMadeOnDemand_GivesTheSameAsAllOfThem(string options)
    {
        var scene = new Scene(new Random(3), images: 2, height: 4, width: 5, dim: 6, classes: 3, label: i => i % 3);
        using var scope = NewDisposeScope();
        var values = new List<float>();
        var gradients = new List<Tensor>();
        foreach (var onDemand in new[] { false, true })
        {
            using var loss = Build.From<Loss>($$"""{ "type": "PixelContrastLoss", "max_samples": 12{{options}} }""");
            loss.ExpectEmbeddings(4);
            manual_seed(1);
            var weight = randn(6, 4).requires_grad_();
            var features = scene.Embeddings.detach().clone().requires_grad_();
            Tensor Embed(Tensor rows) => nn.functional.normalize(rows.matmul(weight), dim: 1);
            for (var step = 0; step < 2; step++) // the second compares with what the first has put into the memory
            {
                manual_seed(2 + step);
                var rows = features.permute(0, 2, 3, 1).reshape(-1, 6);
                var targets = onDemand
                    ? new LossTargets(scene.LabelMaps, Embeddings: features, Embed: Embed)
                    : new LossTargets(scene.LabelMaps, Embeddings: Embed(rows).view(2, 4, 5, 4).permute(0, 3, 1, 2));
                var value = loss.Compute(scene.Logits, targets, default);
                value.backward();
                values.Add(value.item<float>());
            }
            gradients.Add(cat([features.grad!.flatten(), weight.grad!.flatten()]));
        }
        Assert.True(values[0] > 0 && values[1] > 0);
        Assert.Equal(values[0], values[2], 1e-5f);
        Assert.Equal(values[1], values[3], 1e-5f);
        Assert.True(gradients[0].sub(gradients[1]).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Compute_WithoutEmbeddings_SaysWhatIsMissing()
    {
        using var loss = new PixelContrastLoss(_everything);
        var error = Assert.Throws<UserErrorException>(() =>
            loss.Compute(zeros(1, 2, 2, 2), new LossTargets(zeros([1, 2, 2], ScalarType.Int64)), default)
        );
        Assert.Contains("projection_head", error.Message);
    }

    /// <summary>Random rows in a memory, a few of each class; class 0 has the most.</summary>
    private static (double[][] Rows, int[] Classes) Fill(PixelContrastLoss loss, Random random, int classes, int dim)
    {
        if (loss.Memory is null)
            return ([], []);
        var (rows, labels) = (new List<double[]>(), new List<int>());
        foreach (var queue in new[] { loss.Memory.Segments!, loss.Memory.Pixels! })
        {
            var own = Enumerable.Range(0, classes).SelectMany(c => Enumerable.Repeat(c, random.Next(c == 0 ? 6 : 3))).ToArray();
            var features = own.Select(_ => Scene.Unit(random, dim)).ToArray();
            if (own.Length > 0)
                queue.Enqueue(tensor([.. features.SelectMany(f => f).Select(v => (float)v)]).view(-1, dim), own, 0);
            rows.AddRange(features);
            labels.AddRange(own);
        }
        return ([.. rows], [.. labels]);
    }
}
