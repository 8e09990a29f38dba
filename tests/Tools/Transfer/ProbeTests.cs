using System.Text.Json.Nodes;
using Tessera.Features;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Tools.EndToEnd;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Tools.Transfer;

/// <summary>Linear probes and nearest neighbours, against their obvious slow forms.</summary>
[Collection(InProcess.Name)]
public sealed class ProbeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-probe").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Many heads at once are what each would be alone, by the tensor library's own loss, derivative and optimizer.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Train_ManyRates_AreEachWhatItIsAlone(bool multiLabel)
    {
        using var file = Made("train", 50, 6, 3, multiLabel);
        using var set = new FeatureSet(file, CPU);
        double[] rates = [0.01, 1, 20];
        using var together = LinearProbe.Train(set, new LinearProbeOptions(rates, Epochs: 3, BatchSize: 16, Seed: 4));
        for (var i = 0; i < rates.Length; i++)
        {
            using var scope = NewDisposeScope();
            var (weight, bias) = Alone(set, rates[i], epochs: 3, batch: 16, seed: 4);
            var (found, foundBias) = together.Head(i);
            Assert.True(found.allclose(weight, 1e-3, 1e-5), $"rate {rates[i]}: {(found - weight).abs().max().ToDouble()}");
            Assert.True(foundBias.allclose(bias, 1e-3, 1e-5));
        }
    }

    private static (Tensor Weight, Tensor Bias) Alone(FeatureSet set, double rate, int epochs, int batch, long seed)
    {
        var (width, classes) = (set.File.Width, set.Classes);
        var random = RandomSource.For(seed, 0, long.MaxValue);
        var first = Enumerable.Range(0, width * classes).Select(_ => (float)(random.Normal() * 0.01)).ToArray();
        using var layer = nn.Linear(width, classes);
        using (no_grad())
        {
            layer.weight!.copy_(tensor(first, [width, classes]).t());
            layer.bias!.zero_();
        }
        var steps = (set.Count + batch - 1) / batch;
        using var optimizer = optim.SGD(layer.parameters(), rate * batch / 256, momentum: 0.9);
        for (var epoch = 0; epoch < epochs; epoch++)
        {
            var order = RandomSource.For(seed, epoch, long.MinValue).Permutation(set.Count);
            for (var step = 0; step < steps; step++)
            {
                foreach (var group in optimizer.ParamGroups)
                    group.LearningRate = rate * batch / 256 * 0.5 * (1 + Math.Cos(Math.PI * ((epoch * steps) + step) / (epochs * steps)));
                var chosen = tensor(order.Skip(step * batch).Take(batch).Select(i => (long)i).ToArray());
                optimizer.zero_grad();
                var (logits, truth) = (layer.call(set.Features.index_select(0, chosen)), set.Truth.index_select(0, chosen));
                var loss = set.IsMultiLabel
                    ? nn.functional.binary_cross_entropy_with_logits(logits, truth)
                    : nn.functional.cross_entropy(logits, truth);
                loss.backward();
                optimizer.step();
            }
        }
        return (layer.weight!.detach().clone(), layer.bias!.detach().clone());
    }

    /// <summary>Cosine, sorting and votes in float64, sample by sample.</summary>
    [Theory]
    [InlineData(1, 0.07, false)]
    [InlineData(7, 0.07, false)]
    [InlineData(40, 1.0, false)]
    [InlineData(7, 0.2, true)]
    public void Neighbors_Votes_AreTheDefinitions(int k, double temperature, bool multiLabel)
    {
        using var known = Made("train", 40, 5, 3, multiLabel);
        using var asked = Made("val", 300, 5, 3, multiLabel);
        using var knownSet = new FeatureSet(known, CPU);
        using var askedSet = new FeatureSet(asked, CPU);
        using var scope = NewDisposeScope();
        var votes = NearestNeighbors.Vote(knownSet, askedSet, [k], temperature).Single().Values<float>();
        var (rows, queries) = (Rows(known), Rows(asked));
        for (var i = 0; i < queries.Length; i++)
        {
            var near = rows.Select((row, j) => (Cosine: Cosine(row, queries[i]), Index: j))
                .OrderByDescending(pair => pair.Cosine)
                .Take(k)
                .ToArray();
            var sum = near.Sum(pair => Math.Exp(pair.Cosine / temperature));
            for (var c = 0; c < 3; c++)
            {
                var expected =
                    near.Sum(pair =>
                        Math.Exp(pair.Cosine / temperature)
                        * (
                            multiLabel ? known.Targets![(pair.Index * 3) + c]
                            : known.Labels![pair.Index] == c ? 1
                            : 0
                        )
                    ) / sum;
                Assert.Equal(expected, (double)votes[(i * 3) + c], 1e-4);
            }
        }
    }

    [Fact]
    public void Neighbors_MoreThanThereAre_IsAMistake()
    {
        using var file = Made("train", 10, 2, 2, false);
        using var set = new FeatureSet(file, CPU);
        Assert.Contains(
            "11 neighbours are asked for, but",
            Assert.Throws<UserErrorException>(() => NearestNeighbors.Vote(set, set, [3, 11], 0.07)).Message,
            StringComparison.Ordinal
        );
    }

    /// <summary>Scores for 3 samples of labels 0, 1, 2: right, wrong, and not a number, which counts as wrong.</summary>
    [Fact]
    public void Score_NotANumber_CountsAsWrong()
    {
        using var scope = NewDisposeScope();
        using var file = Made("train", 3, 2, 3, false, i => i);
        using var set = new FeatureSet(file, CPU);
        Assert.Equal(1.0 / 3, set.Score(tensor(new[] { 2f, 0, 0, 5, 1, 0, float.NaN, 0, 9 }, [3, 3])), 6);
    }

    private static double Cosine(double[] a, double[] b) =>
        a.Zip(b).Sum(pair => pair.First * pair.Second) / Math.Sqrt(a.Sum(x => x * x) * b.Sum(x => x * x));

    private static double[][] Rows(FeatureFile file) =>
        [.. file.Features.Values<float>().Chunk(file.Width).Select(row => Array.ConvertAll(row, x => (double)x))];

    /// <summary>Noise around a direction for each class.</summary>
    private FeatureFile Made(string part, int count, int width, int classes, bool multiLabel, Func<int, int>? label = null)
    {
        using var scope = NewDisposeScope();
        var random = new RandomSource((ulong)(part.Length + count));
        var labels = Enumerable.Range(0, count).Select(i => (long)(label?.Invoke(i) ?? random.Next(classes))).ToArray();
        var features = labels
            .SelectMany(of => Enumerable.Range(0, width).Select(d => (float)(random.Normal() + (d == of ? 1.5 : 0))))
            .ToArray();
        var path = Path.Combine(_folder, $"{part}-{Guid.NewGuid():N}.safetensors");
        FeatureFile.Write(
            path,
            new FeatureInfo
            {
                Part = part,
                Task = multiLabel ? DataTask.MultiLabel : DataTask.Classification,
                Classes = [.. Enumerable.Range(0, classes).Select(i => $"class{i}")],
                Checkpoint = "none",
                WeightsHash = new string('0', 64),
                Transform = "[]",
                DataHash = new string('0', 64),
                Config = "{}",
            },
            tensor(features, [count, width]),
            multiLabel
                ? tensor(
                    labels.SelectMany(of => Enumerable.Range(0, classes).Select(c => c == of || random.Chance(0.3) ? 1f : 0)).ToArray(),
                    [count, classes]
                )
                : tensor(labels),
            [.. Enumerable.Range(0, count).Select(i => $"{part}{i}")]
        );
        return FeatureFile.Open(path);
    }
}
