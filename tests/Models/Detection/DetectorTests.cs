using System.Numerics;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Detection;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Suppression;
using Tessera.Models.TaskModels;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

public sealed class DetectorTests
{
    private static readonly DataInfo Info = Build.Classes(3, DataTask.Detection);

    [Fact]
    public void Predict_ScaledFlippedPaddedImage_MapsBackExactlyAndClips()
    {
        // 100 x 200 (H x W), halved, mirrored, then padded by 6 on the left and 10 above.
        var map = Matrix3x2.CreateScale(0.5f) * new Matrix3x2(-1, 0, 0, 1, 100, 0) * Matrix3x2.CreateTranslation(6, 10);
        using var model = With(
            new Fixed([
                [new(26, 15, 46, 25, 0.9f, 1), new(96, 50, 130, 90, 0.8f, 2), new(0, 0, 5, 64, 0.7f, 0)],
            ])
        );
        using var batch = Images(zeros(1, 3, 64, 128), new Geometry(100, 200, map));
        var found = One(model, batch);
        // x = (106 - x') · 2, y = (y' - 10) · 2. The third lies wholly in the padding: nothing is left of it but an edge.
        Assert.Equal([120, 10, 160, 30, 0, 80, 20, 100], found.Corners);
        Assert.Equal([1, 2], found.Labels);
        Assert.Equal([0.9f, 0.8f], found.Scores);
    }

    [Fact]
    public void Predict_RotatedImage_GivesTheBoxAround()
    {
        // A quarter turn: (x, y) to (50 - y, x).
        using var model = With(
            new Fixed([
                [new(10, 20, 30, 25, 0.9f, 0)],
            ])
        );
        using var batch = Images(zeros(1, 3, 64, 64), new Geometry(50, 64, new Matrix3x2(0, 1, -1, 0, 50, 0)));
        Assert.Equal([20, 20, 25, 40], One(model, batch).Corners);
    }

    [Fact]
    public void Predict_NoGeometry_ClipsToTheImage()
    {
        using var model = With(
            new Fixed([
                [new(-5, -5, 200, 20, 0.9f, 0), new(float.NaN, 0, 5, 5, 0.9f, 0), new(8, 8, 8, 12, 0.9f, 0)],
            ])
        );
        using var batch = Images(zeros(1, 3, 32, 64), null);
        Assert.Equal([0, 0, 64, 20], One(model, batch).Corners);
    }

    [Theory]
    [InlineData(TestFlip.Horizontal)]
    [InlineData(TestFlip.Vertical)]
    [InlineData(TestFlip.Diagonal)]
    public void Predict_FlipsAndScales_FindTheSameBox(TestFlip flip)
    {
        // The head finds what is bright; all looks must agree where that is, and nms leaves one.
        using var scope = NewDisposeScope();
        var images = zeros(1, 3, 64, 96);
        images[0, .., 16..32, 32..64] = 1;
        using var batch = Images(images, null);
        var options = new DetectorTestOptions(Flip: true, FlipDirections: [flip], Scales: [1, 2, 0.5]);
        using var all = With(new Bright(), options, new KeepAll());
        var found = One(all, batch);
        Assert.Equal(6, found.Scores.Length);
        foreach (var box in found.Corners.Chunk(4))
            Assert.All(box.Zip(new float[] { 32, 16, 64, 32 }), pair => Assert.Equal(pair.Second, pair.First, 2f));
        Assert.Equal([32, 16, 64, 32], found.Corners[..4]);
        using var merged = With(new Bright(), options);
        Assert.Single(One(merged, batch).Scores);
    }

    [Fact]
    public void Predict_MaxPerImg_LimitsAfterNms()
    {
        using var model = With(
            new Fixed([
                [new(0, 0, 9, 9, 0.9f, 0), new(0, 0, 9, 9, 0.8f, 0), new(20, 20, 29, 29, 0.7f, 0), new(40, 20, 49, 29, 0.6f, 0)],
            ]),
            new DetectorTestOptions(MaxPerImg: 2)
        );
        using var batch = Images(zeros(1, 3, 64, 64), null);
        Assert.Equal([0.9f, 0.7f], One(model, batch).Scores);
    }

    [Theory]
    [InlineData("""{ "type": "ResNet", "depth": 18, "base_channels": 8 }""")]
    [InlineData(
        """{ "type": "ResNet", "depth": 50, "base_channels": 8, "stage_blocks": [1, 1, 1, 1], "stem": "deep", "avg_down": true, "groups": 2 }"""
    )]
    public void FuseConvBn_EqualsUnfused(string backbone)
    {
        string Config(bool fuse) =>
            $$"""
                { "type": "Detector", "backbone": {{backbone}}, "neck": { "type": "Fpn", "out_channels": 16, "norm": "bn" },
                  "bbox_head": { "type": "RetinaHead", "norm": "bn", "stacked_convs": 2 }, "test": { "score_thr": 0.0, "fuse_conv_bn": {{(
                    fuse ? "true" : "false"
                )}} } }
                """;
        using var plain = Formula.Fill(Build.From<VisionModel>(Config(false), Info));
        using var fused = Formula.Fill(Build.From<VisionModel>(Config(true), Info));
        Tame(plain);
        Tame(fused);
        using var batch = Images(Formula.Values("images", 1, 3, 64, 64), null);
        plain.eval();
        fused.eval();
        var (a, b) = (One(plain, batch), One(fused, batch));
        Assert.True(a.Scores.Length > 20);
        Assert.Equal(a.Labels, b.Labels);
        Assert.All(a.Scores.Zip(b.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.All(a.Corners.Zip(b.Corners), pair => Assert.Equal(pair.First, pair.Second, 1e-3f));

        // Other weights, once evaluation begins anew: the joined ones are made anew, too.
        using (no_grad())
            foreach (var model in new[] { plain, fused })
                model.get_parameter("backbone.layer1.0.bn1.weight")!.mul_(3);
        plain.eval();
        fused.eval();
        var (c, d) = (One(plain, batch), One(fused, batch));
        Assert.NotEqual(a.Scores, c.Scores);
        Assert.All(c.Scores.Zip(d.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        // A tapped norm runs by itself.
        using var tap = fused.Tap("backbone.layer1.0.bn1");
        var tapped = One(fused, batch);
        Assert.NotEmpty(tap.Values);
        Assert.All(c.Scores.Zip(tapped.Scores), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));

        // And training takes the model as it is.
        fused.train();
        using var scope = NewDisposeScope();
        using (no_grad())
            _ = ((Detector)fused).Outputs(batch.Images);
        fused.eval();
        Assert.NotEqual(c.Scores, One(fused, batch).Scores); // statistics have moved
    }

    public static TheoryData<string> Heads() =>
        [
            """{ "type": "RetinaHead", "stacked_convs": 1, "norm": "gn" }""",
            """{ "type": "RetinaHead", "stacked_convs": 1, "loss_norm": "image", "assigner": { "type": "AtssAssigner" }, "loss_bbox": { "type": "GIoULoss" } }""",
            """{ "type": "RetinaHead", "stacked_convs": 1, "box_coder": { "type": "DistanceCoder" }, "loss_bbox": { "type": "SmoothL1Loss" } }""",
            """{ "type": "FcosHead", "stacked_convs": 1 }""",
            """{ "type": "FcosHead", "stacked_convs": 1, "norm": "none", "norm_on_bbox": false, "centerness_on_reg": false, "center_sampling": false, "loss_bbox": { "type": "IoULoss" } }""",
            """{ "type": "FcosHead", "stacked_convs": 1, "centerness_weight": false, "loss_bbox": { "type": "CIoULoss" }, "norm": "bn" }""",
        ];

    [Theory]
    [MemberData(nameof(Heads))]
    public void Loss_AnyTruth_IsFiniteWithGradientInEveryParameter(string head)
    {
        using var model = Small(head);
        model.train();
        var random = new Random(1);
        var thousands = Enumerable.Range(0, 2000).SelectMany(_ => Square(random.Next(50), random.Next(50), 1 + random.Next(150))).ToArray();
        float[][] truths =
        [
            [4, 4, 40, 44, 20, 10, 60, 50],
            [],
            [float.NaN, 0, 10, 10, 5, 5, 5, 20, 30, 30, 20, 20, 0, 0, float.PositiveInfinity, 9, -1e30f, 0, 1e30f, 5, 10, 10, 30, 30],
            [-50, -50, -10, -10, 500, 500, 600, 600, -100, -100, 200, 200],
            thousands,
        ];
        foreach (var corners in truths)
        {
            using var scope = NewDisposeScope();
            var count = corners.Length / 4;
            using var batch = Images(
                Formula.Values("images", 2, 3, 64, 64),
                null,
                new Boxes(
                    corners,
                    [.. Enumerable.Range(0, count).Select(i => i % 3)],
                    [.. Enumerable.Range(0, count).Select(i => count < 100 && i % 5 == 4)]
                )
            );
            foreach (var parameter in model.parameters())
                parameter.grad = null;
            var losses = model.Loss(batch, default);
            foreach (var (name, loss) in losses)
            {
                Assert.Empty(loss.shape);
                Assert.True(
                    double.IsFinite(loss.item<float>()) && loss.item<float>() >= 0,
                    $"{name} is {loss.item<float>()} for {count} boxes"
                );
            }
            losses.Total().backward();
            foreach (var (name, parameter) in model.named_parameters())
            {
                Assert.True(parameter.grad is not null, $"{name} has no gradient for {count} boxes");
                Assert.True(parameter.grad!.isfinite().all().item<bool>(), $"{name}: gradient not finite for {count} boxes");
                if (ReferenceEquals(corners, thousands))
                    Assert.True(parameter.grad.abs().sum().item<float>() > 0, $"{name} is dead");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Predict_AnyHead_GivesBoxesInTheImageBestFirst(string head)
    {
        using var model = Small(head);
        model.eval();
        using var batch = Images(Formula.Values("images", 2, 3, 64, 96), new Geometry(32, 48, Matrix3x2.CreateScale(2)));
        using var _ = no_grad();
        foreach (var found in model.Predict(batch).Cast<DetectionPrediction>())
        {
            Assert.InRange(found.Scores.Length, 1, 100);
            Assert.Equal(found.Scores.OrderDescending(), found.Scores);
            Assert.All(found.Labels, label => Assert.InRange(label, 0, 2));
            foreach (var box in found.Corners.Chunk(4))
                Assert.True(box[0] >= 0 && box[1] >= 0 && box[2] <= 48 && box[3] <= 32 && box[0] < box[2] && box[1] < box[3]);
        }
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Loss_ChannelsLast_IsTheSame(string head)
    {
        using var model = Small(head);
        model.eval();
        using var scope = NewDisposeScope();
        using var batch = Images(Formula.Values("images", 2, 3, 64, 64), null, new Boxes([4, 4, 40, 44], [1], [false]));
        var plain = model.Loss(batch, default).Values.Select(loss => loss.item<float>()).ToArray();
        batch.Images = batch.Images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        var last = model.Loss(batch, default).Values.Select(loss => loss.item<float>()).ToArray();
        Assert.All(plain.Zip(last), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void Loss_UnknownLabel_IsTheUsersMistake()
    {
        using var model = Small("""{ "type": "RetinaHead", "stacked_convs": 1 }""");
        using var batch = Images(zeros(1, 3, 64, 64), null, new Boxes([1, 1, 9, 9], [3], [false]));
        Assert.Equal(
            "0: box 0 has label 3, but there are 3 classes, from 0.",
            Assert.Throws<UserErrorException>(() => model.Loss(batch, default)).Message
        );
    }

    [Fact]
    public void Loss_CrowdOnly_AsksNothingThere()
    {
        using var model = Small("""{ "type": "RetinaHead", "stacked_convs": 1 }""");
        using var scope = NewDisposeScope();
        float Loss(Boxes boxes)
        {
            using var batch = Images(Formula.Values("images", 1, 3, 64, 64), null, boxes);
            return model.Loss(batch, default)["loss_cls"].item<float>();
        }
        // All anchors lie in the crowd by more than half, or in nothing.
        Assert.Equal(0, Loss(new Boxes([-2000, -2000, 3000, 3000], [0], [true])));
        Assert.True(Loss(new Boxes([], [], [])) > 0);
    }

    [Fact]
    public void Best_ManyCandidates_AreTheSortedFirst()
    {
        var random = new Random(4);
        foreach (var (shapes, classes, cells) in new[] { (1, 1, 3), (3, 7, 101), (9, 40, 260) })
        {
            // Few different values: ties everywhere.
            var logits = Enumerable.Range(0, shapes * classes * cells).Select(_ => random.Next(40) / 5f - 4).ToArray();
            var factors = Enumerable.Range(0, shapes * cells).Select(_ => random.Next(10) / 5f - 1).ToArray();
            foreach (var factored in new[] { false, true })
            {
                foreach (
                    var limits in new[] { new CandidateLimits(0.05f, 50), new CandidateLimits(0.6f, 1000), new CandidateLimits(0, 5000) }
                )
                {
                    static float Sigmoid(float x) => 1 / (1 + MathF.Exp(-x));
                    var wanted = (
                        from shape in Enumerable.Range(0, shapes)
                        from label in Enumerable.Range(0, classes)
                        from cell in Enumerable.Range(0, cells)
                        let p = Sigmoid(logits[(shape * classes + label) * cells + cell])
                        let score = factored ? MathF.Sqrt(p * Sigmoid(factors[shape * cells + cell])) : p
                        where score > limits.ScoreThr
                        orderby score descending, (cell * shapes + shape) * classes + label
                        select (score, (cell * shapes + shape) * classes + label)
                    ).Take(limits.NmsPre);
                    Assert.Equal(
                        wanted,
                        CandidateSelection.Best(
                            logits,
                            factored ? factors : [],
                            shapes,
                            classes,
                            cells,
                            new CandidateScore(CenternessScore.Root, ByClass: false),
                            limits
                        )
                    );
                }
            }
        }
    }

    /// <summary>What a device chooses is what the host would choose; here on the CPU's own operators.</summary>
    [Fact]
    public void DeviceCandidates_AreTheHosts()
    {
        var random = new Random(5);
        foreach (var (images, shapes, classes, height, width) in new[] { (1, 1, 1, 1, 3), (2, 3, 4, 7, 9), (3, 1, 5, 8, 8) })
        foreach (var factored in new[] { false, true })
        foreach (
            var score in new[]
            {
                CandidateScore.Alone,
                new CandidateScore(CenternessScore.Root, false),
                new CandidateScore(CenternessScore.Product, true),
            }
        )
        foreach (var limits in new[] { new CandidateLimits(0.05f, 10), new CandidateLimits(0.6f, 1000), new CandidateLimits(0.999f, 5) })
        {
            using var scope = NewDisposeScope();
            // Few different values: ties everywhere.
            Tensor Map(int channels) =>
                tensor(Enumerable.Range(0, images * channels * height * width).Select(_ => random.Next(40) / 5f - 4).ToArray())
                    .view(images, channels, height, width);
            var (logits, codes, factors) = (Map(shapes * classes), Map(shapes * 4), factored ? Map(shapes) : null);
            var found = DeviceCandidates.Best(logits, codes, factors, shapes, score, limits);
            for (var image = 0; image < images; image++)
            {
                var wanted = CandidateSelection.Best(
                    logits[image].contiguous().Values<float>(),
                    factors is null ? [] : factors[image].contiguous().Values<float>(),
                    shapes,
                    classes,
                    height * width,
                    score,
                    limits
                );
                Assert.Equal(wanted.Select(candidate => candidate.Index), found[image].Select(candidate => candidate.Index));
                Assert.All(wanted.Zip(found[image]), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-6f));
                foreach (var (_, index, code) in found[image])
                {
                    var (cell, shape) = Math.DivRem(index / classes, shapes);
                    Assert.Equal(
                        Enumerable.Range(0, 4).Select(side => codes[image, (shape * 4) + side, cell / width, cell % width].item<float>()),
                        code
                    );
                }
            }
        }
    }

    /// <summary>
    /// Two places, one class, threshold 0.05, one candidate. The first: class 0.9, centreness 0.01; the second: class 0.6,
    /// centreness 0.9. By the class the first is taken, though its score is 0.009; by the score the second, 0.54.
    /// </summary>
    [Fact]
    public void Best_ByClass_LeavesTheCentrenessToTheEnd()
    {
        static float Logit(double p) => (float)Math.Log(p / (1 - p));
        float[] logits = [Logit(0.9), Logit(0.6)],
            factors = [Logit(0.01), Logit(0.9)];
        (float Score, int Index) One(bool byClass) =>
            Assert.Single(
                CandidateSelection.Best(
                    logits,
                    factors,
                    1,
                    1,
                    2,
                    new CandidateScore(CenternessScore.Product, byClass),
                    new CandidateLimits(0.05f, 1)
                )
            );
        Assert.Equal(0, One(byClass: true).Index);
        Assert.Equal(0.009f, One(byClass: true).Score, 1e-6f);
        Assert.Equal(1, One(byClass: false).Index);
        Assert.Equal(0.54f, One(byClass: false).Score, 1e-6f);
        // Both fit in: the best score comes first.
        var both = CandidateSelection.Best(
            logits,
            factors,
            1,
            1,
            2,
            new CandidateScore(CenternessScore.Product, true),
            new CandidateLimits(0.05f, 2)
        );
        Assert.Equal([1, 0], both.Select(candidate => candidate.Index));
    }

    private static float[] Square(float x, float y, float side) => [x, y, x + side, y + side];

    private static VisionModel Small(string head) =>
        Build.From<VisionModel>(
            $$"""
            { "type": "Detector", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 8, "stage_blocks": [1, 1, 1], "stem": "small", "strides": [2, 2, 2], "zero_init_residual": false },
              "neck": { "type": "Fpn", "out_channels": 8, "start_level": 1, "num_outs": 3, "add_extra_convs": "on_output" }, "bbox_head": {{head}}, "test": { "score_thr": 0.001 } }
            """,
            Info
        );

    /// <summary>Scores that differ and boxes of a sensible size.</summary>
    private static void Tame(VisionModel model)
    {
        using var _ = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
            if (name.StartsWith("bbox_head.retina_", StringComparison.Ordinal))
                parameter.mul_(0.05);
    }

    private static DetectionPrediction One(VisionModel model, Batch batch)
    {
        using var _ = no_grad();
        return (DetectionPrediction)model.Predict(batch).Single();
    }

    private static Batch Images(Tensor images, Geometry? geometry, Boxes? boxes = null) =>
        new()
        {
            Images = images,
            Samples =
            [
                .. Enumerable
                    .Range(0, (int)images.shape[0])
                    .Select(i => new Sample
                    {
                        Index = i,
                        Name = $"{i}",
                        Geometry = geometry,
                        Truth = { Boxes = boxes ?? new Boxes([], [], []) },
                    }),
            ],
        };

    private static Detector With(BoxHead head, DetectorTestOptions? test = null, SuppressionMethod? nms = null)
    {
        var services = new ServiceCollection().BuildServiceProvider();
        var model = nms is null
            ? new Detector(new(test), new Pixels(new()), null, head, Info, services)
            : new Detector(test ?? new(), new Pixels(new()), null, head, Info, nms);
        model.eval();
        return model;
    }

    internal readonly record struct Found(float X1, float Y1, float X2, float Y2, float Score, int Label);

    private abstract class Stub() : BoxHead("Stub")
    {
        public override int Classes => 3;

        internal override string ClassifierKey => "";

        internal override IEnumerable<(string Foreign, string Own, bool ReadOnly)> TorchvisionKeys => [];

        public override Tensor[] forward(Tensor[] maps) => [maps[0].alias()];

        public override LossMap Losses(Tensor[] outputs, IReadOnlyList<TruthBoxes> truths, (int Height, int Width) image) =>
            throw new NotSupportedException();

        protected static Candidates Of(IEnumerable<Found> found) =>
            new(
                [.. found.SelectMany(f => new[] { f.X1, f.Y1, f.X2, f.Y2 })],
                [.. found.Select(f => f.Score)],
                [.. found.Select(f => f.Label)]
            );
    }

    private sealed class Fixed(Found[][] found) : Stub
    {
        public override IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits) =>
            [.. found.Select(f => Of(f))];
    }

    /// <summary>The box around what is brighter than a half.</summary>
    private sealed class Bright : Stub
    {
        public override IReadOnlyList<Candidates> Candidates(Tensor[] outputs, (int Height, int Width) image, CandidateLimits limits)
        {
            var bright = outputs[0]
                [0, 0]
                .contiguous()
                .Values<float>()
                .Index()
                .Where(pixel => pixel.Item > 0.5f)
                .Select(pixel => (X: pixel.Index % image.Width, Y: pixel.Index / image.Width))
                .ToArray();
            return [Of([new(bright.Min(p => p.X), bright.Min(p => p.Y), bright.Max(p => p.X) + 1, bright.Max(p => p.Y) + 1, 0.5f, 1)])];
        }
    }

    private sealed class KeepAll : SuppressionMethod
    {
        protected override void Apply(Candidates candidates, ReadOnlySpan<int> group, List<(float Score, int Index)> kept)
        {
            foreach (var i in group)
                kept.Add((candidates.Scores[i], i));
        }
    }
}
