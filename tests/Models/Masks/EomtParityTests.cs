using System.Text.Json;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Masks;

/// <summary>Outputs of every block, losses, gradients and maps against the authors' code; see make_eomt.py. Weights come through a file in
/// the authors' names.</summary>
public sealed class EomtParityTests : IDisposable
{
    private const double Tolerance = 1e-4;
    private const int Height = 48,
        Width = 64;

    private static readonly JsonElement s_fixture = FixtureFile.Json("models", "eomt.json");
    private static readonly DataInfo s_data = Build.Classes(5, DataTask.Panoptic) with { Things = [true, true, true, false, false] };

    // Boxes that are masks: top, left, bottom, right.
    private static readonly int[][][] s_masks =
    [
        [
            [2, 3, 30, 28],
            [20, 30, 46, 60],
            [0, 40, 12, 64],
        ],
        [
            [10, 8, 40, 50],
        ],
    ];
    private static readonly int[][] s_labels =
    [
        [0, 4, 1],
        [2],
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("tessera-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("both", 3, 1, 1f, 1f)]
    [InlineData("one", 3, 0, 0f, 0f)]
    [InlineData("late", 2, 1, 0f, 1f)]
    public void Training_OutputsLossesAndGradients_AreTheAuthors(string name, int first, int second, float share1, float share2)
    {
        using var model = Load("", s_data, share1, share2);
        using var scope = NewDisposeScope();
        var expected = s_fixture.GetProperty("cases").GetProperty(name);
        var images = Formula.Values("images", 2, 3, Height, Width);
        var answers = model.Answers(images, all: true);
        Assert.Equal(3, answers.Count);
        foreach (var (i, (masks, classes)) in answers.Index())
        {
            ParityTests.AssertClose(expected.GetProperty("masks")[i], masks, $"masks {i}", Tolerance);
            ParityTests.AssertClose(expected.GetProperty("classes")[i], classes, $"classes {i}", Tolerance);
        }
        model.train(); // there is no dropout
        var draws = new[] { share1, share2 }.Count(share => share < 1); // theirs draw for blocks whose masks are given up, too
        model.Uniform = shape => Draw($"draw{++draws}", shape);
        var truths = Truths(first, second);
        var losses = Losses(model, answers, truths, expected.GetProperty("losses"));
        losses.Total().backward();
        var map = model.KeyMaps["eomt"];
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(entry.Value, parameters[map.Rename($"network.{entry.Name}")!].grad!, entry.Name, 1e-3);
    }

    /// <summary>The published networks' backbone: DINOv2 with registers, whose positions are the patches' alone.</summary>
    [Fact]
    public void Answers_OfABackboneWithRegisters_AreTheAuthors()
    {
        var expected = FixtureFile.Json("models", "eomt_registers.json");
        using var model = Load("", s_data, expected, """, "reg_tokens": 4, "position_tokens": "patches" """, 1, 1);
        using var scope = NewDisposeScope();
        var answers = model.Answers(Formula.Values("images", 2, 3, Height, Width), all: true);
        foreach (var (i, (masks, classes)) in answers.Index())
        {
            ParityTests.AssertClose(expected.GetProperty("masks")[i], masks, $"masks {i}", Tolerance);
            ParityTests.AssertClose(expected.GetProperty("classes")[i], classes, $"classes {i}", Tolerance);
        }
        var (lastMasks, lastClasses) = answers[^1];
        (lastMasks.square().mean() + lastClasses.square().mean()).backward();
        var parameters = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach (var entry in expected.GetProperty("gradients").EnumerateObject())
            ParityTests.AssertClose(
                entry.Value,
                parameters[model.KeyMaps["eomt"].Rename($"network.{entry.Name}")!].grad!,
                entry.Name,
                1e-3
            );
    }

    [Fact]
    public void Predict_Panoptic_IsTheAuthors()
    {
        foreach (var wanted in s_fixture.GetProperty("panoptic").EnumerateArray())
        {
            var thresholds =
                $$""", "test": { "mask_thresh": {{wanted.GetProperty("mask_thresh")}}, "overlap_thresh": {{wanted.GetProperty("overlap_thresh")}} }""";
            using var model = Load(thresholds, s_data, 1, 1);
            using var scope = NewDisposeScope();
            using var still = no_grad();
            var found = model.Predict(Images(s_data)).Cast<PanopticPrediction>().Select(prediction => prediction.Map).ToArray();
            for (var image = 0; image < 2; image++)
            {
                var (classes, segments) = (
                    Pixels(wanted.GetProperty("images")[image].GetProperty("classes")),
                    Pixels(wanted.GetProperty("images")[image].GetProperty("segments"))
                );
                var values = found[image].Map.Pixels<ushort>().ToArray();
                var different = Enumerable
                    .Range(0, values.Length)
                    .Count(i =>
                        values[i] == PanopticMap.Void
                            ? segments[i] != -1
                            : segments[i] != values[i] || found[image].Segments[values[i]].Label != classes[i]
                    );
                Assert.True(different <= 3, $"{different} pixels differ"); // where two queries claim one alike
            }
        }
    }

    [Fact]
    public void Outputs_OfSemanticData_AreTheAuthorsScores()
    {
        using var model = Load("", Build.Classes(5, DataTask.Segmentation), 1, 1);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var scores = model.Outputs(Formula.Values("images", 2, 3, Height, Width))[0];
        ParityTests.AssertClose(s_fixture.GetProperty("semantic"), scores, "scores", Tolerance);
    }

    [Fact]
    public void Annealing_IsTheAuthors()
    {
        var annealing = new MaskAnnealing("Eomt", new MaskAnnealingOptions([10, 30], [30, 30]), 2);
        foreach (var row in s_fixture.GetProperty("annealing").EnumerateArray())
        {
            var shares = annealing.At(new Progress(row[0].GetInt32(), 100, 0, 1));
            Assert.Equal(row[1].GetDouble(), shares[0], 1e-6);
            Assert.Equal(row[2].GetDouble(), shares[1], 1e-6);
        }
    }

    private static LossMap Losses(
        Eomt model,
        IReadOnlyList<(Tensor Masks, Tensor Classes)> answers,
        MaskTruths truths,
        JsonElement expected
    )
    {
        var losses = new LossMap();
        foreach (var (i, (masks, classes)) in answers.Index())
        {
            var (ofClass, ofMask, ofDice) = model.LossesOf(masks, classes, truths);
            foreach (var (name, loss) in new[] { ("loss_mask", ofMask), ("loss_dice", ofDice), ("loss_cross_entropy", ofClass) })
            {
                var wanted = expected.GetProperty($"{name}_{i}").GetDouble();
                Assert.True(
                    Math.Abs(wanted - loss.item<float>()) < 1e-4 * Math.Max(1, wanted),
                    $"{name}_{i}: {loss.item<float>()}, {wanted}"
                );
                losses.Add($"{name}_{i}", loss);
            }
        }
        return losses;
    }

    private static MaskTruths Truths(params int[] counts)
    {
        var (masks, labels) = (new Tensor[2], new int[2][]);
        for (var image = 0; image < 2; image++)
        {
            masks[image] = zeros(counts[image], Height, Width);
            for (var i = 0; i < counts[image]; i++)
            {
                var box = s_masks[image][i];
                masks[image][i].narrow(0, box[0], box[2] - box[0]).narrow(1, box[1], box[3] - box[1]).fill_(1);
            }
            labels[image] = s_labels[image][..counts[image]];
        }
        return new MaskTruths(masks, labels);
    }

    private static Tensor Draw(string name, long[] shape)
    {
        var (state, values) = (0xCBF29CE484222325UL, new float[shape.Aggregate(1L, (a, b) => a * b)]);
        foreach (var c in name)
            state = unchecked((state ^ c) * 0x100000001B3UL);
        var random = new RandomSource(state);
        for (var i = 0; i < values.Length; i++)
            values[i] = (float)random.NextDouble();
        return tensor(values).view(shape);
    }

    private static int[] Pixels(JsonElement runs) =>
        [.. runs.EnumerateArray().SelectMany(run => Enumerable.Repeat(run[0].GetInt32(), run[1].GetInt32()))];

    private static Batch Images(DataInfo data)
    {
        var batch = Build.Batch(2, 8, data);
        batch.Images = Formula.Values("images", 2, 3, Height, Width);
        return batch;
    }

    private Eomt Load(string options, DataInfo data, params float[] shares) => Load(options, data, s_fixture, "", shares);

    private Eomt Load(string options, DataInfo data, JsonElement fixture, string ofBackbone, params float[] shares)
    {
        var model = (Eomt)
            Build.From<VisionModel>(
                $$"""
                { "type": "Eomt", "num_queries": 7, "num_blocks": 2, "loss": { "num_points": 40 }{{options}},
                  "backbone": { "type": "VisionTransformer", "image_size": [48, 64], "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 4,
                    "layer_scale": 0.1{{ofBackbone}} } }
                """,
                data
            );
        using var scope = NewDisposeScope();
        var path = Path.Combine(_folder, "eomt.safetensors");
        ForeignFile.Write(
            path,
            fixture.GetProperty("keys").EnumerateObject().Select(entry => (entry.Name, Value(entry.Name, entry.Value, shares)))
        );
        Assert.True(ForeignWeights.LoadWhole(model, path, data).IsComplete); // the map is found by itself
        model.eval();
        return model;
    }

    private static Tensor Value(string name, JsonElement shape, float[] shares) =>
        name == "network.attn_mask_probs"
            ? tensor(shares)
            : Formula.Values(name, [.. shape.EnumerateArray().Select(size => size.GetInt64())])
                * name switch
                {
                    "network.q.weight" => 8,
                    "network.mask_head.4.weight" => 6,
                    "network.class_head.weight" => 2,
                    _ => 1,
                };
}
