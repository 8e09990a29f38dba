using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Masks;

public sealed class EomtTests
{
    private const string Vit =
        """ "backbone": { "type": "VisionTransformer", "image_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 3, "num_heads": 2 } """;

    private static readonly DataInfo s_panoptic = Build.Classes(3, DataTask.Panoptic) with { Things = [false, true, true] };

    [Theory]
    [InlineData("", "is 32 but", "\"num_blocks\": 32")]
    [InlineData("", "num_blocks is 4, but VisionTransformer has 3 blocks", "\"num_blocks\": 4")]
    [InlineData("", "start_steps and end_steps together", "\"num_blocks\": 2, \"mask_annealing\": { \"start_steps\": [1, 2] }")]
    [InlineData("", "so 2 steps", "\"num_blocks\": 2, \"mask_annealing\": { \"start_steps\": [1], \"end_steps\": [2] }")]
    [InlineData("", "before it starts at 5", "\"num_blocks\": 2, \"mask_annealing\": { \"start_steps\": [5, 5], \"end_steps\": [5, 4] }")]
    [InlineData("", "masked_attention: false doesn't have", "\"num_blocks\": 2, \"masked_attention\": false, \"mask_annealing\": {}")]
    [InlineData("", "no weight above 0", "\"num_blocks\": 2, \"loss\": { \"class_weight\": 0, \"mask_weight\": 0, \"dice_weight\": 0 }")]
    [InlineData("", "10000", "\"num_queries\": 1000000")]
    public void Build_OptionsThatDontFit_AreTheUsersMistake(string _, string expected, string options)
    {
        if (expected == "is 32 but")
            expected = "num_blocks is 32";
        var message = Assert.Throws<UserErrorException>(() => Model(options, s_panoptic)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_AnotherBackboneOrData_IsTheUsersMistake()
    {
        var backbone = Assert.Throws<UserErrorException>(() =>
            Build.From<VisionModel>("""{ "type": "Eomt", "backbone": { "type": "ResNet", "depth": 18 } }""", s_panoptic)
        );
        Assert.Contains("Take a VisionTransformer", backbone.Message, StringComparison.Ordinal);
        var things = Assert.Throws<UserErrorException>(() => Model("\"num_blocks\": 1", s_panoptic with { Things = null }));
        Assert.Contains("which of its classes are things", things.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Predict_ImagesThatAreNoWholePatches_OrTooManyQueries_IsTheUsersMistake()
    {
        using var model = Model("\"num_blocks\": 1", s_panoptic);
        using var odd = zeros(1, 3, 32, 36);
        Assert.Contains(
            "32 x 36 (height x width) are not whole patches",
            Assert.Throws<UserErrorException>(() => model.Answers(odd)).Message,
            StringComparison.Ordinal
        );
        using var many = Model("\"num_blocks\": 1, \"num_queries\": 10000", s_panoptic);
        using var large = zeros(1, 3, 2048, 2048); // 512 * 512 * 10,000 values
        var message = Assert.Throws<UserErrorException>(() => many.Answers(large)).Message;
        Assert.Contains("2,621,440,000 values", message, StringComparison.Ordinal);
        Assert.Contains("num_queries", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Loss_TruthThatDoesntFit_IsTheUsersMistake()
    {
        using var model = Model("\"num_blocks\": 1, \"num_queries\": 2", s_panoptic);
        Assert.Contains("LoadPanoptic", Throws(model, new GroundTruth()), StringComparison.Ordinal);
        Assert.Contains("3 masks, but Eomt can find 2", Throws(model, Panoptic(32, 0, 1, 2)), StringComparison.Ordinal);
        Assert.Contains("label 3, but there are 3", Throws(model, Panoptic(32, 3)), StringComparison.Ordinal);
        Assert.Contains("its masks to 40 x 40", Throws(model, Panoptic(40, 1)), StringComparison.Ordinal);
        using var instances = Model("\"num_blocks\": 1", Build.Classes(3, DataTask.Detection));
        var boxes = new GroundTruth { Boxes = new Boxes([1, 1, 9, 9], [1], [false]) };
        Assert.Contains("boxes but no mask for each", Throws(instances, boxes), StringComparison.Ordinal);
        using var semantic = Model("\"num_blocks\": 1", Build.Classes(3, DataTask.Segmentation));
        Assert.Contains("LoadSegmentation", Throws(semantic, new GroundTruth()), StringComparison.Ordinal);

        static string Throws(Eomt model, GroundTruth truth) =>
            Assert.Throws<UserErrorException>(() => model.Loss(BatchOf(truth), default)).Message;
    }

    [Fact]
    public void Loss_ImagesWithoutSegments_TeachTheClassesAlone()
    {
        using var model = Model("\"num_blocks\": 2, \"num_queries\": 5, \"loss\": { \"num_points\": 20 }", s_panoptic);
        using var scope = NewDisposeScope();
        model.train();
        var losses = model.Loss(BatchOf(Panoptic(32)), default);
        Assert.Equal(
            [
                "loss_cls",
                "loss_mask",
                "loss_dice",
                "b1.loss_cls",
                "b1.loss_mask",
                "b1.loss_dice",
                "b0.loss_cls",
                "b0.loss_mask",
                "b0.loss_dice",
            ],
            losses.Keys
        );
        Assert.All(
            losses.Where(loss => !loss.Key.EndsWith("cls", StringComparison.Ordinal)),
            loss => Assert.Equal(0, loss.Value.item<float>())
        );
        losses.Total().backward();
        Assert.All(model.named_parameters(), entry => Assert.True(entry.parameter.grad is not null, entry.name));
    }

    /// <summary>Panoptic maps, objects and class maps of one scene are the same masks where each class is shown once.</summary>
    [Fact]
    public void MaskTruths_OfAllTasks_AreTheSameMasks()
    {
        using var scope = NewDisposeScope();
        var truth = Panoptic(32, 0, 1, 2);
        var map = truth.Panoptic!;
        var batch = BatchOf(truth);
        batch.SegmentationMaps = tensor(Array.ConvertAll(map.Classes(3).Bytes, value => (long)value)).view(1, 32, 32);
        truth.InstanceMasks = [.. Enumerable.Range(0, 3).Select(i => MaskOf(map, i))];
        truth.Boxes = new Boxes([0, 0, 32, 32, 0, 0, 32, 32, 0, 0, 32, 32], [0, 1, 2], new bool[3]);
        var of = new[] { DataTask.Panoptic, DataTask.Segmentation, DataTask.Detection }
            .Select(task => MaskTruths.Of("Eomt", batch, new DataInfo(["a", "b", "c"], task), 9))
            .ToArray();
        foreach (var other in of)
        {
            Assert.Equal([0, 1, 2], other.Labels[0]);
            Assert.Equal([3, 32, 32], other.Masks[0].shape);
            Assert.True(other.Masks[0].equal(of[0].Masks[0]).all().item<bool>());
            Assert.Equal(32 * 32, other.Masks[0].sum().item<float>());
        }
        // A crowd is not asked for; the image's padding is in no mask.
        var crowd = new GroundTruth { Panoptic = new PanopticMap(map.Map, [new(0), new(1, Crowd: true), new(2)]) };
        var padded = BatchOf(crowd);
        padded.Images = zeros(1, 3, 40, 48);
        var truths = MaskTruths.Of("Eomt", padded, s_panoptic, 9);
        Assert.Equal([0, 2], truths.Labels[0]);
        Assert.Equal([2, 40, 48], truths.Masks[0].shape);
        Assert.Equal(of[0].Masks[0][0].sum().item<float>(), truths.Masks[0][0].sum().item<float>());
    }

    [Fact]
    public void Annealing_WithoutSteps_GoesBlockAfterBlockOverTheRun()
    {
        var annealing = new MaskAnnealing("Eomt", new MaskAnnealingOptions(Power: 1), 4);
        Assert.Equal([1, 1, 1, 1], annealing.At(new Progress(100, 600, 0, 1)));
        Assert.Equal([0.5f, 1, 1, 1], annealing.At(new Progress(150, 600, 0, 1)));
        Assert.Equal([0, 0, 0.25f, 1], annealing.At(new Progress(375, 600, 0, 1)), (a, b) => Math.Abs(a - b) < 1e-6);
        Assert.Equal([0, 0, 0, 0], annealing.At(new Progress(500, 600, 0, 1)));
    }

    [Fact]
    public void Loss_InTraining_KeepsTheShareInTheState()
    {
        using var model = Model("\"num_blocks\": 2, \"mask_annealing\": { \"power\": 1 }, \"loss\": { \"num_points\": 20 }", s_panoptic);
        using var scope = NewDisposeScope();
        model.train();
        model.Loss(BatchOf(Panoptic(32, 1)), new Progress(150, 400, 0, 1));
        Assert.Equal([0.5f, 1], model.state_dict()["attn_mask_probs"].data<float>().ToArray());
        model.eval();
        model.Loss(BatchOf(Panoptic(32, 1)), new Progress(390, 400, 0, 1));
        Assert.Equal([0.5f, 1], model.state_dict()["attn_mask_probs"].data<float>().ToArray());
    }

    /// <summary>A query that sees nothing but what is no patch gives the same, whatever the patches are.</summary>
    [Fact]
    public void Answers_MaskWithoutPatches_HidesThePatchesFromQueries()
    {
        using var model = (Eomt)
            Build.From<VisionModel>(
                """
                { "type": "Eomt", "num_blocks": 1, "num_queries": 3, "backbone": { "type": "VisionTransformer", "image_size": 32, "patch_size": 8,
                  "embed_dim": 16, "depth": 3, "num_heads": 2, "features": "maps", "class_token": false } }
                """,
                s_panoptic
            );
        using var scope = NewDisposeScope();
        using var still = no_grad();
        model.eval();
        var (first, second) = (Formula.Values("images", 1, 3, 32, 32), Formula.Values("others", 1, 3, 32, 32));
        var shares = model.get_buffer("attn_mask_probs")!;
        shares.fill_(0);
        Assert.False(Same());
        shares.fill_(1);
        foreach (var parameter in model.named_parameters().Where(entry => entry.name.StartsWith("mask_head", StringComparison.Ordinal)))
            parameter.parameter.zero_(); // logits of 0 are no mask
        // There is no class token, which would have seen the patches before: queries see themselves alone.
        Assert.True(Same());

        bool Same() => model.Answers(first)[0].Classes.allclose(model.Answers(second)[0].Classes, atol: 1e-6);
    }

    [Fact]
    public void Published_NamesAndShapes_AreTheAuthors()
    {
        using var model = Build.From<VisionModel>(
            """
            { "type": "Eomt", "num_blocks": 3, "backbone": { "type": "VisionTransformer", "arch": "small", "image_size": 640, "layer_scale": 1e-5,
                "reg_tokens": 4, "position_tokens": "patches" } }
            """,
            Build.Classes(133, DataTask.Panoptic) with
            {
                Things = [.. Enumerable.Range(0, 133).Select(c => c < 80)],
            }
        );
        var map = model.KeyMaps["eomt"];
        var own = model.state_dict().ToDictionary(pair => map.Publish!(pair.Key)!, pair => (pair.Key, Shape: pair.Value.shape));
        Assert.All(own, pair => Assert.Equal(pair.Value.Key, map.Rename(pair.Key)));
        Assert.Null(map.Rename("criterion.empty_weight"));
        Assert.True(map.Computed!("network.encoder.pixel_mean"));
        var published = FixtureFile.Json("models", "eomt_coco_panoptic.keys.json").GetProperty("small").EnumerateObject();
        Assert.Equal(
            published
                .Where(entry => !map.Computed(entry.Name))
                .Select(entry => Line(entry.Name, entry.Value.EnumerateArray().Select(size => size.GetInt64())))
                .Order(StringComparer.Ordinal),
            own.Where(pair => !pair.Key.Contains(".blocks.", StringComparison.Ordinal) || IsFirst(pair.Key))
                .Select(pair => Line(pair.Key, pair.Value.Shape))
                .Order(StringComparer.Ordinal)
        );

        static bool IsFirst(string key) =>
            key.Contains(".blocks.0.", StringComparison.Ordinal) || key.Contains(".blocks.1.", StringComparison.Ordinal);

        static string Line(string name, IEnumerable<long> shape) => $"{name} [{string.Join(", ", shape)}]";
    }

    private static Eomt Model(string options, DataInfo data) =>
        (Eomt)Build.From<VisionModel>($$"""{ "type": "Eomt", {{Vit}}, {{options}} }""", data);

    private static Batch BatchOf(GroundTruth truth) =>
        new()
        {
            Images = Formula.Values("images", 1, 3, 32, 32),
            Samples =
            [
                new Sample
                {
                    Index = 0,
                    Name = "image",
                    Truth = truth,
                },
            ],
        };

    /// <summary>Stripes, one for each label.</summary>
    private static GroundTruth Panoptic(int size, params int[] labels)
    {
        var map = new Image(size, size, 1, PixelType.UInt16);
        for (var i = 0; i < size * size; i++)
            map.Pixels<ushort>()[i] = labels.Length == 0 ? PanopticMap.Void : (ushort)(i * labels.Length / (size * size));
        return new GroundTruth { Panoptic = new PanopticMap(map, [.. labels.Select(label => new PanopticSegment(label))]) };
    }

    private static Image MaskOf(PanopticMap map, int segment)
    {
        var mask = new Image(map.Height, map.Width, 1);
        var values = map.Map.Pixels<ushort>();
        for (var i = 0; i < values.Length; i++)
            mask.Bytes[i] = values[i] == segment ? (byte)1 : (byte)0;
        return mask;
    }
}
