using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Outputs, losses, gradients and boxes against the authors' code, for two images of which the smaller is padded; see
/// make_detr.py. Weights come through a file in the authors' names.</summary>
public sealed class DetrParityTests : IDisposable
{
    private const double Tolerance = 1e-4;
    private static readonly JsonElement s_fixture = FixtureFile.Json("models", "detr.json");
    private static readonly DataInfo s_data = Build.Classes(5, DataTask.Detection);
    private static readonly (int Height, int Width)[] s_sizes = [(96, 128), (64, 80)];

    private static readonly float[][] s_boxes =
    [
        [10.5f, 12.5f, 70.75f, 60.25f, 40.5f, 30.25f, 110.25f, 90.5f, 80.5f, 5.5f, 100.25f, 30.25f],
        [8.25f, 20.5f, 50.5f, 60.25f],
    ];
    private static readonly int[][] s_labels =
    [
        [0, 4, 1],
        [2],
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Evaluation_AuthorsWeights_GivesTheirOutputsAndBoxes()
    {
        using var model = Load();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var batch = Images(3, 1);
        ImageArea[] areas = [.. batch.Samples.Select(sample => ImageArea.Of(sample, s_sizes[0]))];
        var (logits, boxes) = model.Answers(batch.Images, areas, all: true);
        ParityTests.AssertClose(s_fixture.GetProperty("logits"), logits[1], "logits", Tolerance);
        ParityTests.AssertClose(s_fixture.GetProperty("boxes"), boxes[1], "boxes", Tolerance);
        ParityTests.AssertClose(s_fixture.GetProperty("first"), boxes[0], "boxes of the first layer", Tolerance);
        var found = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        for (var image = 0; image < 2; image++)
        {
            var expected = s_fixture.GetProperty("found")[image];
            var (scores, labels, corners) = (Numbers(expected, "scores"), Numbers(expected, "labels"), Numbers(expected, "boxes"));
            var order = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).ToArray();
            Assert.Equal(7, found[image].Scores.Length);
            foreach (var (i, query) in order.Index())
            {
                Assert.Equal(scores[query], found[image].Scores[i], 1e-5);
                Assert.Equal((int)labels[query], found[image].Labels[i]);
                for (var side = 0; side < 4; side++) // theirs may reach beyond the image
                    Assert.Equal(
                        Math.Clamp(corners[(query * 4) + side], 0, side % 2 == 0 ? s_sizes[image].Width : s_sizes[image].Height),
                        found[image].Corners[(i * 4) + side],
                        5e-3
                    );
            }
        }
    }

    [Theory]
    [InlineData("both", 3, 1)]
    [InlineData("one", 3, 0)]
    [InlineData("none", 0, 0)]
    public void Training_LossesAndGradients_AreTheAuthors(string name, int first, int second)
    {
        using var model = Load();
        model.train(); // norms keep their statistics, and there is no dropout
        using var scope = NewDisposeScope();
        using var batch = Images(first, second);
        var expected = s_fixture.GetProperty("cases").GetProperty(name);
        var losses = model.Loss(batch, default);
        Assert.Equal(expected.GetProperty("losses").EnumerateObject().Count(), losses.Count);
        foreach (var loss in expected.GetProperty("losses").EnumerateObject())
        {
            var own = loss.Name.Replace("loss_ce", "loss_cls", StringComparison.Ordinal);
            own = own.EndsWith("_0", StringComparison.Ordinal) ? "d0." + own[..^2] : own;
            Assert.Equal(loss.Value.GetDouble(), losses[own].item<float>(), 2e-5 * Math.Max(1, loss.Value.GetDouble()));
        }
        losses.Total().backward();
        var map = model.KeyMaps["detr"];
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
        {
            var gradient = parameters[map.Rename(entry.Name)!].grad!;
            if (entry.Value.GetProperty("norm").GetDouble() == 0)
                Assert.Equal(0, gradient.abs().max().item<float>());
            else
                ParityTests.AssertClose(entry.Value, gradient, entry.Name, 5e-4);
        }
    }

    private Detr Load()
    {
        var model = (Detr)
            Build.From<VisionModel>(
                """
                { "type": "Detr", "backbone": { "type": "ResNet", "depth": 18, "out_indices": [3], "norm_eval": true }, "num_queries": 7,
                  "encoder_layers": 2, "decoder_layers": 2, "embed_dim": 32, "num_heads": 4, "ffn_dim": 48, "dropout": 0, "test": { "min_bbox_size": -1 } }
                """,
                s_data
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "detr.safetensors");
        ForeignFile.Write(
            path,
            s_fixture
                .GetProperty("keys")
                .EnumerateObject()
                .Select(entry =>
                    (
                        entry.Name,
                        Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())])
                            * entry.Name switch
                            {
                                "query_embed.weight" => 8,
                                "bbox_embed.layers.2.weight" => 3,
                                _ => 1,
                            }
                    )
                )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, s_data).IsComplete); // the map is found by itself
        model.eval();
        return model;
    }

    private static Batch Images(params int[] boxes)
    {
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 2, 3, 96, 128);
        images[1].narrow(1, 64, 32).zero_();
        images[1].narrow(2, 80, 48).zero_();
        return new Batch
        {
            Images = images.DetachFromDisposeScope(),
            Samples =
            [
                .. boxes.Select(
                    (count, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"image{i}",
                            Geometry = Geometry.Original(s_sizes[i].Height, s_sizes[i].Width),
                            Truth = { Boxes = new Boxes(s_boxes[i][..(count * 4)], s_labels[i][..count], new bool[count]) },
                        }
                ),
            ],
        };
    }

    private static double[] Numbers(JsonElement found, string name) =>
        [.. found.GetProperty(name).GetProperty("values").EnumerateArray().Select(n => n.GetDouble())];
}
