using System.Numerics;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Backbones;
using Tessera.Models.Detection.Heads;
using Tessera.Models.TaskModels;
using Tessera.Torch;
using static Tessera.Tests.Models.Detection.DetectorScenes;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

public sealed class DetectorTests
{
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
}
