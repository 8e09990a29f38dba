using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Explanation;
using Tessera.Models.TaskModels.FineGrained;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

[Collection(ProcessWide.Name)] // draws from libtorch's source of random numbers
public sealed class NtsNetTests
{
    private const string Resnet =
        """ "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "stage_blocks": [1, 1, 1], "stem": "small", "out_indices": [2] } """;
    private const string Small = "\"proposals\": 3, \"parts\": 2, \"part_size\": 16, \"proposal_channels\": 8";

    private static readonly DataInfo s_data = Build.Classes(3);

    [Fact]
    public void Anchors_AreThoseOfTheirDefinition()
    {
        const int rows = 3,
            columns = 4,
            stride = 8;
        var expected = new List<double[]>();
        foreach (var (level, scales) in new double[][] { [1 / 3.0, 2 / 3.0], [1 / 3.0, 2 / 3.0], [0, 1 / 3.0, 2 / 3.0] }.Index())
        foreach (var exponent in scales)
        foreach (var ratio in new[] { 0.667, 1, 1.5 })
        {
            var step = stride << level;
            for (var y = step / 2.0; y < rows * stride + (step / 2) - 1e-6; y += step)
            for (var x = step / 2.0; x < columns * stride + (step / 2) - 1e-6; x += step)
            {
                var side = 1.5 * step * Math.Pow(2, exponent);
                var (height, width) = (side / Math.Sqrt(ratio), side * Math.Sqrt(ratio));
                expected.Add([x - (width / 2), y - (height / 2), x + (width / 2), y + (height / 2)]);
            }
        }
        // 3 x 4, 2 x 2 and 1 x 1 cells of 6, 6 and 9 boxes.
        var boxes = PartAnchors.Of(rows, columns, stride, 1.5);
        Assert.Equal((12 * 6) + (4 * 6) + 9, boxes.Length);
        Assert.Equal(expected.Count, boxes.Length);
        foreach (var (box, edges) in boxes.Zip(expected))
        foreach (var (whole, edge) in new[] { box.Left, box.Top, box.Right, box.Bottom }.Zip(edges))
            Assert.InRange(edge - whole, -1e-4, 1.0001);
    }

    [Fact]
    public void Choose_RandomBoxes_IsTheSlowForms()
    {
        var random = new RandomSource(7);
        for (var round = 0; round < 40; round++)
        {
            var boxes = Enumerable
                .Range(0, 30)
                .Select(_ => new PartBox(random.Next(20), random.Next(20), 0, 0))
                .Select(box => box with { Right = box.Left + 1 + random.Next(12), Bottom = box.Top + 1 + random.Next(12) })
                .ToArray();
            var scores = boxes.Select(_ => random.Next(20) / 20f).ToArray(); // with ties
            var count = 1 + random.Next(12);
            Assert.Equal(Slowly(scores, boxes, count, 0.25), PartSelection.Choose(scores, boxes, count, 0.25));
        }
    }

    // The best of all that are left is taken, and what it covers is put aside; over and over.
    private static List<int> Slowly(float[] scores, PartBox[] boxes, int count, double threshold)
    {
        var (left, aside, taken) = (Enumerable.Range(0, boxes.Length).ToList(), new List<int>(), new List<int>());
        while (taken.Count < count && left.Count > 0)
        {
            var best = left.First(i => scores[i] == left.Max(j => scores[j]));
            taken.Add(best);
            left.Remove(best);
            aside.AddRange(left.Where(i => Overlap(boxes[i], boxes[best]) >= threshold));
            left.RemoveAll(aside.Contains);
        }
        aside.Sort((i, j) => scores[i] == scores[j] ? i.CompareTo(j) : scores[j].CompareTo(scores[i]));
        return [.. taken, .. aside.Take(count - taken.Count)];
    }

    // By counting pixels.
    private static double Overlap(PartBox one, PartBox other)
    {
        var (both, either) = (0, 0);
        for (var y = 0; y < 32; y++)
        for (var x = 0; x < 32; x++)
        {
            var (a, b) = (Inside(one), Inside(other));
            both += a && b ? 1 : 0;
            either += a || b ? 1 : 0;

            bool Inside(PartBox box) => x >= box.Left && x < box.Right && y >= box.Top && y < box.Bottom;
        }
        return (double)both / either;
    }

    [Fact]
    public void Choose_TooFewApart_AreFilledWithTheBestOfTheRest()
    {
        PartBox[] boxes = [new(0, 0, 10, 10), new(0, 0, 10, 9), new(0, 0, 9, 10), new(20, 20, 30, 30)];
        Assert.Equal([1, 3, 2], PartSelection.Choose([0.1f, 0.9f, 0.8f, 0.2f], boxes, 3, 0.25));
        // NaN is the worst, and nothing fails.
        Assert.Equal([3, 1, 2, 0], PartSelection.Choose([float.NaN, 0.9f, 0.8f, 1], boxes, 4, 0.25));
    }

    [Fact]
    public void Ranking_ByHand()
    {
        using var scope = NewDisposeScope();
        var scores = tensor(new float[] { 1, 0 }).view(1, 2);
        // Part 1 has the greater loss: max(0, 1 - 1 + 0) = 0. The other way round: max(0, 1 - 0 + 1) = 2.
        Assert.Equal(0, PartRanking.Loss(scores, tensor(new[] { 0.2f, 0.9f }).view(1, 2)).item<float>());
        Assert.Equal(2, PartRanking.Loss(scores, tensor(new[] { 0.9f, 0.2f }).view(1, 2)).item<float>());
        // Equal losses ask for nothing. Of two images the mean: (2 + 0) / 2.
        Assert.Equal(0, PartRanking.Loss(scores, ones(1, 2)).item<float>());
        var two = PartRanking.Loss(scores.repeat(2, 1), tensor(new[] { 0.9f, 0.2f, 1, 1 }).view(2, 2));
        Assert.Equal(1, two.item<float>());
        // Three parts: pairs (i, j) = (0, 1), (0, 2), (1, 2) have loss_j > loss_i: (1 - .5 + .25) + (1 - .5 + 2) + (1 - .25 + 2).
        var three = PartRanking.Loss(tensor(new[] { 0.5f, 0.25f, 2 }).view(1, 3), tensor(new[] { 0.1f, 0.2f, 0.3f }).view(1, 3));
        Assert.Equal(0.75 + 2.5 + 2.75, three.item<float>(), 1e-6);
    }

    [Fact]
    public void Crops_BeyondTheBorder_AreZeroThere()
    {
        using var scope = NewDisposeScope();
        var images = arange(2 * 12, dtype: ScalarType.Float32).view(2, 1, 3, 4) + 1;
        var crops = PartCrops.Of(
            images,
            [
                [new(-1, -2, 3, 2)],
                [new(2, 1, 6, 5)],
            ],
            4
        );
        Assert.Equal([2, 1, 4, 4], crops.shape);
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0, 5, 6, 7], crops[0].flatten().data<float>().ToArray());
        Assert.Equal([19, 20, 0, 0, 23, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], crops[1].flatten().data<float>().ToArray());
        // Corner pixels stay: 1 and 4 to five pixels are 1, 1.75, 2.5, 3.25, 4.
        var row = PartCrops.Of(
            images,
            [
                [new(0, 0, 4, 1)],
                [new(0, 0, 4, 1)],
            ],
            5
        );
        Assert.Equal([1, 1.75f, 2.5f, 3.25f, 4], row[0, 0, 2].data<float>().ToArray());
    }

    [Fact]
    public void Gradients_ProposalsLearnFromTheRankingAlone_AndTeachNothingElse()
    {
        using var model = Model();
        using var batch = Build.Batch(3, 48, s_data);
        using var scope = NewDisposeScope();
        model.train();
        var losses = model.Loss(batch, default);
        losses["rank"].backward(retain_graph: true);
        foreach (var (name, parameter) in model.named_parameters())
            Assert.Equal(name.StartsWith("proposal_net.", StringComparison.Ordinal), parameter.grad is not null);
        model.zero_grad(set_to_none: true);
        (losses["raw"] + losses["concat"] + losses["parts"]).backward();
        foreach (var (name, parameter) in model.named_parameters())
            Assert.Equal(!name.StartsWith("proposal_net.", StringComparison.Ordinal), parameter.grad is not null);
    }

    [Fact]
    public void Evaluation_IsWithoutDropout()
    {
        using var model = Model();
        using var batch = Build.Batch(2, 48, s_data);
        using var scope = NewDisposeScope();
        model.eval();
        Assert.True(model.Logits(batch.Images).Equals(model.Logits(batch.Images)));
        model.train();
        foreach (var norm in model.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            norm.eval();
        Assert.False(model.Logits(batch.Images).Equals(model.Logits(batch.Images)));
    }

    [Fact]
    public void Predict_PartsLieInTheOriginalImage()
    {
        using var model = Model();
        using var batch = Build.Batch(2, 48, s_data);
        model.eval();
        using var still = no_grad();
        var plain = (ClassPrediction)model.Predict(batch)[1];
        // Shrunk to half, then cropped by 5 columns and 3 rows.
        batch.Samples[1].Geometry = new Geometry(120, 150, Matrix3x2.CreateScale(0.5f) * Matrix3x2.CreateTranslation(-5, -3));
        var moved = (ClassPrediction)model.Predict(batch)[1];
        Assert.Equal(plain.Scores, moved.Scores);
        Assert.Equal(8, moved.Parts!.Length);
        using var scope = NewDisposeScope();
        var box = model.Look(batch.Images, 2).Boxes[1][0];
        Assert.Equal(
            [Clip(2 * (box.Left + 5), 150), Clip(2 * (box.Top + 3), 120), Clip(2 * (box.Right + 5), 150), Clip(2 * (box.Bottom + 3), 120)],
            moved.Parts[..4]
        );

        static float Clip(int value, int most) => Math.Clamp(value, 0, most);
    }

    /// <summary>Images of other sizes and of one channel, other backbones, and a map of one place, where the boxes hardly differ.</summary>
    [Theory]
    [InlineData(Resnet, 33, 3)]
    [InlineData(""" "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "in_channels": 1 } """, 64, 1)]
    [InlineData(""" "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "out_indices": [3] } """, 32, 3)]
    [InlineData(
        """ "backbone": { "type": "SwinTransformer", "embed_dim": 12, "depths": [1, 1], "num_heads": [1, 2], "window_size": 3, "out_indices": [1] } """,
        32,
        3
    )]
    public void AnyBackboneAndSize_TrainsAndPredicts(string backbone, int size, int channels)
    {
        using var model = Model($"\"proposals\": 21, \"parts\": 2, \"part_size\": 32, {backbone}");
        using var batch = Build.Batch(2, size, s_data, channels);
        using var scope = NewDisposeScope();
        model.train();
        var total = model.Loss(batch, default).Total();
        total.backward();
        Assert.True(float.IsFinite(total.item<float>()));
        Assert.All(model.parameters(), parameter => Assert.NotNull(parameter.grad));
        model.eval();
        using var still = no_grad();
        foreach (var prediction in model.Predict(batch).Cast<ClassPrediction>())
        {
            Assert.Equal(1, prediction.Scores.Sum(), 1e-5);
            Assert.All(prediction.Parts!, corner => Assert.InRange(corner, 0, size));
        }
    }

    [Fact]
    public void SoftLabels_OfOneClass_AreHardLabels()
    {
        using var model = Model();
        using var batch = Build.Batch(3, 48, s_data);
        using var scope = NewDisposeScope();
        model.eval();
        var hard = model.Loss(batch, default);
        batch.SoftLabels = nn.functional.one_hot(batch.Labels!, 3).to(ScalarType.Float32);
        batch.Labels = null;
        foreach (var (name, loss) in model.Loss(batch, default))
            Assert.Equal(hard[name].item<float>(), loss.item<float>(), 1e-5);
    }

    [Fact]
    public void Explanation_IsOfTheWholeImagesMap()
    {
        using var model = Formula.Fill(Model());
        using var batch = Build.Batch(1, 48, s_data);
        var layer = MapLayers.Find(model, batch.Images, new ClassTarget([1], s_data.Classes));
        Assert.StartsWith("backbone", layer.Name, StringComparison.Ordinal);
        Assert.Equal((12, 12, 0), (layer.Grid.Height, layer.Grid.Width, layer.Call));
    }

    [Fact]
    public void Training_AFewSteps_LearnsABatchByHeart()
    {
        random.manual_seed(3);
        using var model = Model(Small + ", \"dropout\": 0, " + Resnet);
        using var batch = Build.Batch(3, 48, s_data);
        model.train();
        using var optimizer = optim.SGD(model.parameters(), 0.05, momentum: 0.9);
        var losses = new List<float>();
        for (var i = 0; i < 50; i++)
        {
            using var scope = NewDisposeScope();
            var terms = model.Loss(batch, default);
            optimizer.zero_grad();
            terms.Total().backward();
            optimizer.step();
            losses.Add(terms["concat"].item<float>());
        }
        Assert.True(losses[^1] < 0.25 * losses[0], $"{losses[0]} -> {losses[^1]}");
    }

    [Fact]
    public void Mistakes_SayWhatIsWanted()
    {
        Assert.Contains(
            "needs data with one class an image",
            Error(Small, Build.Classes(3, DataTask.MultiLabel)),
            StringComparison.Ordinal
        );
        Assert.Contains("3 parts can't be chosen from 2 proposals", Error("\"proposals\": 2, \"parts\": 3"), StringComparison.Ordinal);
        Assert.Contains(
            "gives a vector here",
            Error(
                "",
                backbone: """ "backbone": { "type": "VisionTransformer", "embed_dim": 32, "depth": 1, "num_heads": 2, "image_size": 32, "patch_size": 8 } """
            ),
            StringComparison.Ordinal
        );
    }

    private static string Error(string options, DataInfo? data = null, string backbone = Resnet) =>
        Assert
            .ThrowsAny<Exception>(() =>
                Build.From<VisionModel>(
                    $$"""{ "type": "NtsNet", {{(options.Length > 0 ? options + ", " : "")}}{{backbone}} }""",
                    data ?? s_data
                )
            )
            .Message;

    private static NtsNet Model(string options = Small + ", " + Resnet) =>
        (NtsNet)Build.From<VisionModel>($$"""{ "type": "NtsNet", {{options}} }""", s_data);
}
