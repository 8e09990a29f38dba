using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Explanation.Attention;
using Tessera.Tests.Tools.Data;
using Tessera.Tools.Attention;

namespace Tessera.Tests.Tools.EndToEnd;

/// <summary>tools/attention on a detector and a segmentor over pyramids, and on attention that tells nothing.</summary>
[Collection(InProcess.Name)]
public sealed class AttentionTasksTests(AttentionTasksTests.Networks networks) : IClassFixture<AttentionTasksTests.Networks>
{
    /// <summary>Trained for two steps each.</summary>
    public sealed class Networks : IDisposable
    {
        private const string Config = """
            {
              "seed": 1, "precision": "fp32", "threads": 1, "device": "cpu", "model": MODEL,
              "train": {
                "loop": "iterations", "iterations": 2, "validate_every": 0, "loader": { "batch_size": 2, "workers": 0 },
                "dataset": { "type": "Shapes", "task": "TASK", "count": 4, "size": 64, "classes": ["circle", "square", "star"],
                  "pipeline": [ { "type": "LoadImage" }, { "type": "Normalize" } ] }
              },
              "optimizer": { "type": "Sgd", "lr": 0.01 }, "hooks": { "checkpoint": { "type": "CheckpointHook", "every_iterations": 2 } }
            }
            """;

        private const string Swin =
            """{ "type": "SwinTransformer", "embed_dim": 12, "depths": [1, 2], "num_heads": [2, 2], "window_size": 4 }""";

        private const string Pvt = """
            { "type": "PyramidVisionTransformer", "embed_dims": [8, 16], "depths": [1, 1], "num_heads": [1, 2], "patch_sizes": [4, 2],
              "mlp_ratios": [2, 2], "sr_ratios": [2, 1], "out_indices": [1] }
            """;

        public Networks()
        {
            Detector = Train(
                "detection",
                $$"""
                { "type": "Detector", "backbone": {{Swin}}, "neck": { "type": "Fpn", "out_channels": 8 },
                  "bbox_head": { "type": "RetinaHead", "stacked_convs": 1,
                    "anchor_generator": { "type": "AnchorGenerator", "octave_base_scale": 2, "scales_per_octave": 1, "ratios": [1] } },
                  "test": { "score_thr": 0.0, "nms": { "type": "Nms", "iou_threshold": 0.3 }, "nms_pre": 50, "max_per_img": 6 } }
                """
            );
            Segmentor = Train(
                "segmentation",
                $$"""{ "type": "Segmentor", "backbone": {{Pvt}}, "decode_head": { "type": "FcnHead", "channels": 8, "num_convs": 1 } }"""
            );
            var shapes = new Shapes(new ShapesOptions(Count: 2, Size: 64, Task: DataTask.Detection, Split: ShapesSplit.Test));
            File.WriteAllBytes(ImagePath, ImageCodec.EncodePng(shapes.Get(1).Image!.Decode()));
        }

        public string Folder { get; } = Directory.CreateTempSubdirectory("tessera-attention-tasks").FullName;

        public string Detector { get; }

        public string Segmentor { get; }

        public string ImagePath => Path.Combine(Folder, "scene.png");

        public string New() => Path.Combine(Folder, Guid.NewGuid().ToString("N"));

        public void Dispose() => Directory.Delete(Folder, recursive: true);

        private string Train(string task, string model)
        {
            var config = Path.Combine(Folder, task + ".json");
            File.WriteAllText(
                config,
                Config.Replace("MODEL", model, StringComparison.Ordinal).Replace("TASK", task, StringComparison.Ordinal)
            );
            Tool.Run("train", config, "--work-dir", Path.Combine(Folder, task)).Succeeds();
            return Path.Combine(Folder, task, "iter_2.safetensors");
        }
    }

    [Fact]
    public void Detector_RelevanceIsOfAnObject_ByRankOrClass()
    {
        var said = Attention(networks.Detector, "--synthesis", "relevance").Succeeds();
        Assert.Matches(@"Relevance for (circle|square|star) [01]\.\d\d at \(\d+, \d+, \d+, \d+\), 3 blocks", said.Output);
        using var reader = AttentionReader.Load(networks.Detector);
        var first = Look(reader, null);
        var second = Look(reader, "2");
        Assert.NotEqual(first.Synthesis.Values, second.Synthesis.Values);
        var found = Assert.IsType<DetectionPrediction>(second.Prediction);
        Assert.Equal(found.Corners[4..8], second.Focus!);
        var name = reader.Data.Classes[found.Labels[1]];
        Assert.StartsWith(name, second.Target, StringComparison.Ordinal);
        Assert.StartsWith(name, Look(reader, name).Target, StringComparison.Ordinal);
        Assert.Null(reader.Look(networks.ImagePath, new AttentionRequest()).Focus);
        Attention(networks.Detector, "--synthesis", "relevance", "--target", "99").IsMistake("There is no object 99");
        Attention(networks.Detector, "--synthesis", "relevance", "--target", "stra").IsMistake("\"stra\"", "Did you mean \"star\"?");
    }

    [Fact]
    public void Segmentor_RelevanceIsOfPixels_OfAClassOrARegion()
    {
        using var reader = AttentionReader.Load(networks.Segmentor);
        Assert.EndsWith("(its pixels)", Look(reader, null).Target, StringComparison.Ordinal);
        var left = Look(reader, "background@0:0:16:64");
        var right = Look(reader, "background@48:0:64:64");
        Assert.Equal("background (a region)", left.Target);
        Assert.Equal([48f, 0, 64, 64], right.Focus!);
        Assert.NotEqual(left.Synthesis.Values, right.Synthesis.Values);
        var said = Attention(networks.Segmentor, "--synthesis", "relevance", "--target", "background@0:0:16:64").Succeeds();
        Assert.Matches(@"\d % of the pixels", said.Output);
        Attention(networks.Segmentor, "--synthesis", "relevance", "--target", "background@90:90:99:99")
            .IsMistake("holds no pixel of the image");
        Attention(networks.Segmentor, "--synthesis", "relevance", "--target", "labels").IsMistake("There is no class or value \"labels\"");
    }

    [Fact]
    public void Sheet_DrawsBoxesAndTheFocusWhereTheyAre()
    {
        using var reader = AttentionReader.Load(networks.Detector);
        var none = Look(reader, null) with { Prediction = new DetectionPrediction([], [], []), Focus = null };
        var box = Drawn(none with { Prediction = new DetectionPrediction([8, 16, 40, 48], [0.9f], [2]) });
        var focus = Drawn(none with { Focus = [20, 4, 60, 30] });
        var plain = Drawn(none);
        // The photograph of 64 pixels is 336 wide and begins at (10, 44); the synthesis lies at its right. A map of a block begins at
        // (10, 424) and is 150 wide.
        foreach (var (x, y, scale) in new[] { (10.0, 44.0, 5.25), (356, 44, 5.25), (10, 424, 150 / 64.0) })
        {
            Assert.True(Differs(box, x + (8 * scale), y + (32 * scale)), $"the left edge at {x}, {y}");
            Assert.True(Differs(box, x + (24 * scale), y + (48 * scale)), $"the lower edge at {x}, {y}");
            Assert.False(Differs(box, x + (24 * scale), y + (36 * scale)), $"inside at {x}, {y}");
            Assert.False(Differs(box, x + (50 * scale), y + (36 * scale)), $"outside at {x}, {y}");
            Assert.Equal(y < 100, Differs(focus, x + (60 * scale), y + (12 * scale))); // not on the small maps
            Assert.False(Differs(focus, x + (30 * scale), y + (12 * scale)));
        }

        Image Drawn(AttentionView view)
        {
            using var drawing = new AttentionSheet(view, reader.Data).Draw(("a", "b"), ("c", "d"), ("", ""));
            return drawing.ToImage();
        }

        bool Differs(Image drawn, double x, double y)
        {
            for (var dy = -2; dy <= 2; dy++)
            for (var dx = -2; dx <= 2; dx++)
            {
                var at = 3 * ((((int)Math.Round(y) + dy) * plain.Width) + (int)Math.Round(x) + dx);
                if (!drawn.Bytes.AsSpan(at, 3).SequenceEqual(plain.Bytes.AsSpan(at, 3)))
                    return true;
            }
            return false;
        }
    }

    [Fact]
    public void UniformAttention_IsSaid_AndHasNoColours()
    {
        // Without queries and keys every token looks at all alike.
        var checkpoint = EditedCheckpoint.Write(
            networks.Segmentor,
            networks.New() + ".safetensors",
            all =>
            {
                foreach (var (name, tensor) in all)
                    if (name.StartsWith("model.", StringComparison.Ordinal) && name.Contains(".attn.q.", StringComparison.Ordinal))
                        tensor.zero_();
            }
        );
        var folder = networks.New();
        var said = Tool.Run("attention", checkpoint, networks.ImagePath, "--blocks", "1", "--synthesis", "mean", "--out-dir", folder)
            .Succeeds();
        Assert.Contains("the same everywhere (0.0156)", said.Output, StringComparison.Ordinal); // 8 x 8
        Assert.Contains("The blocks together tell no place from another", said.Error, StringComparison.Ordinal);
        // Photograph and map are the same picture.
        var picture = ImageCodec.Load(Path.Combine(folder, "scene.png"));
        for (var y = 50; y < 370; y += 16)
        for (var x = 0; x < 336; x += 16)
            Assert.Equal(Pixel(10 + x, y), Pixel(356 + x, y));

        (byte, byte, byte) Pixel(int x, int y)
        {
            var at = 3 * ((y * picture.Width) + x);
            return (picture.Bytes[at], picture.Bytes[at + 1], picture.Bytes[at + 2]);
        }
    }

    [Fact]
    public void Folder_IsTold() =>
        Tool.Run("attention", networks.Detector, networks.Folder).IsMistake("this is a folder", "tools/explain --method attention_rollout");

    private AttentionView Look(AttentionReader reader, string? target) =>
        reader.Look(networks.ImagePath, new AttentionRequest { Synthesis = SynthesisKind.Relevance, Target = target });

    private Said Attention(string checkpoint, params string[] options) =>
        Tool.Run(["attention", checkpoint, networks.ImagePath, "--out-dir", networks.New(), .. options]);
}
