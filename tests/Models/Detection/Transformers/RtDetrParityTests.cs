using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Detection.Transformers;
using Tessera.Models.TaskModels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.Transformers;

/// <summary>Maps, outputs, losses with denoising, gradients and boxes against the authors' code; see make_rtdetr.py. Weights come through a
/// file in the authors' names.</summary>
public sealed class RtDetrParityTests : IDisposable
{
    private const int Side = 96;
    private const double Tolerance = 1e-4;
    private static readonly JsonElement s_fixture = FixtureFile.Json("models", "rtdetr.json");
    private static readonly DataInfo s_data = Build.Classes(5, DataTask.Detection);

    private static readonly float[][] s_boxes =
    [
        [10.5f, 12.5f, 70.75f, 60.25f, 40.5f, 30.25f, 90.25f, 90.5f, 60.5f, 5.5f, 80.25f, 30.25f],
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
    public void Evaluation_AuthorsWeights_GivesTheirMapsOutputsAndBoxes()
    {
        using var model = Load();
        model.eval();
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using var batch = Images(3, 1);
        using var tap = model.Tap("encoder");
        var outputs = model.Outputs(batch.Images);
        foreach (var (i, map) in s_fixture.GetProperty("maps").EnumerateArray().Index())
            ParityTests.AssertClose(map, tap.Values[i], $"map {i}", Tolerance);
        ParityTests.AssertClose(s_fixture.GetProperty("logits"), outputs[0], "logits", Tolerance);
        ParityTests.AssertClose(s_fixture.GetProperty("boxes"), outputs[1], "boxes", Tolerance);
        var found = model.Predict(batch).Cast<DetectionPrediction>().ToArray();
        for (var image = 0; image < 2; image++)
        {
            var expected = s_fixture.GetProperty("found")[image];
            var (scores, labels, corners) = (Numbers(expected, "scores"), Numbers(expected, "labels"), Numbers(expected, "boxes"));
            Assert.Equal(20, found[image].Scores.Length);
            for (var i = 0; i < scores.Length; i++)
            {
                Assert.Equal(scores[i], found[image].Scores[i], 1e-5);
                Assert.Equal((int)labels[i], found[image].Labels[i]);
            }
            // Theirs may reach beyond the image; the digest has every second number, or fewer.
            var step = expected.GetProperty("boxes").GetProperty("step").GetInt32();
            for (var i = 0; i < corners.Length; i++)
                Assert.Equal(Math.Clamp(corners[i], 0, Side), found[image].Corners[i * step], 5e-3);
        }
    }

    [Theory]
    [InlineData("both", 3, 1)]
    [InlineData("one", 3, 0)]
    [InlineData("none", 0, 0)]
    public void Training_LossesAndGradients_AreTheAuthors(string name, int first, int second)
    {
        using var model = Load();
        model.train();
        foreach (var norm in model.modules().OfType<BatchNorm2d>())
            norm.eval(); // as the fixture's
        using var scope = NewDisposeScope();
        using var batch = Images(first, second);
        var expected = s_fixture.GetProperty("cases").GetProperty(name);
        var losses = model.LossesWith(batch, count => Noise(count, s_data.Classes.Count));
        Assert.Equal(expected.GetProperty("losses").EnumerateObject().Count(), losses.Count);
        foreach (var loss in expected.GetProperty("losses").EnumerateObject())
        {
            var value = loss.Value.GetDouble();
            Assert.True(
                Math.Abs(value - losses[Own(loss.Name)].item<float>()) <= 5e-5 * Math.Max(1, value),
                $"{loss.Name}: {losses[Own(loss.Name)].item<float>()}, expected {value}"
            );
        }
        losses.Total().backward();
        var map = model.KeyMaps["rtdetr"];
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
        {
            var gradient = parameters[map.Rename(entry.Name)!].grad;
            if (entry.Value.GetProperty("norm").GetDouble() == 0)
                Assert.Equal(0, gradient?.abs().max().item<float>() ?? 0);
            else
                ParityTests.AssertClose(entry.Value, gradient!, entry.Name, 1e-3);
        }
    }

    /// <summary>Two layers: theirs call the encoder's cells layer 1 of the auxiliary ones.</summary>
    private static string Own(string theirs)
    {
        var parts = theirs.Replace("loss_vfl", "loss_cls", StringComparison.Ordinal).Split('_');
        var loss = string.Join('_', parts[..2]);
        return parts switch
        {
            [_, _, "aux", "1"] => "enc." + loss,
            [_, _, "aux", var layer] => $"d{layer}.{loss}",
            [_, _, "dn", var layer] => $"dn{layer}.{loss}",
            _ => loss,
        };
    }

    private static DenoisingNoise Noise(int count, int classes)
    {
        return new(
            Array.ConvertAll(Numbers("labels", count), number => (double)number),
            Array.ConvertAll(Numbers("new_labels", count), number => (int)(number * classes)),
            Array.ConvertAll(Numbers("signs", count * 4), number => number < 0.5f ? -1f : 1f),
            Numbers("parts", count * 4)
        );

        static float[] Numbers(string name, int count)
        {
            using var values = Formula.Values("denoising." + name, 1, count, 1);
            return Array.ConvertAll(values.data<float>().ToArray(), value => (value + 1) / 2);
        }
    }

    private RtDetr Load()
    {
        var model = (RtDetr)
            Build.From<VisionModel>(
                """
                { "type": "RtDetr",
                  "backbone": { "type": "ResNet", "depth": 18, "stem": "deep", "avg_down": true, "project_first": true, "out_indices": [1, 2, 3] },
                  "neck": { "type": "HybridEncoder", "out_channels": 32, "num_heads": 4, "ffn_dim": 48, "num_blocks": 1, "expansion": 0.5 },
                  "num_queries": 12, "decoder_layers": 2, "embed_dim": 32, "num_heads": 4, "ffn_dim": 48, "num_denoising": 10,
                  "test": { "min_bbox_size": -1, "max_per_img": 20 } }
                """,
                s_data
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "rtdetr.safetensors");
        ForeignFile.Write(
            path,
            s_fixture
                .GetProperty("keys")
                .EnumerateObject()
                .Where(entry => !entry.Name.EndsWith("num_batches_tracked", StringComparison.Ordinal))
                .Select(entry =>
                    (
                        entry.Name,
                        Formula.Values(entry.Name, [.. entry.Value.EnumerateArray().Select(size => size.GetInt64())])
                            * (entry.Name == "decoder.enc_score_head.weight" ? 3 : 1)
                    )
                )
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, s_data).IsComplete); // the map is found by itself
        return model;
    }

    private static Batch Images(params int[] boxes) =>
        new()
        {
            Images = Formula.Values("images", 2, 3, Side, Side),
            Samples =
            [
                .. boxes.Select(
                    (count, i) =>
                        new Sample
                        {
                            Index = i,
                            Name = $"image{i}",
                            Truth = { Boxes = new Boxes(s_boxes[i][..(count * 4)], s_labels[i][..count], new bool[count]) },
                        }
                ),
            ],
        };

    private static double[] Numbers(JsonElement found, string name) =>
        [.. found.GetProperty(name).GetProperty("values").EnumerateArray().Select(n => n.GetDouble())];
}
