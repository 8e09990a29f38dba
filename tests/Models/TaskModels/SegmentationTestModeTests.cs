using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Models.TaskModels;
using Tessera.Models.TaskModels.Segmentation;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.TaskModels;

/// <summary>Whole, in crops, in several sizes and mirrored, and back to the original size: against the obvious way.</summary>
public sealed class SegmentationTestModeTests
{
    private static readonly DataInfo _info = Build.Classes(4, DataTask.Segmentation);

    [Theory]
    [InlineData(50, 61, 32, 32, 21, 21, 4)] // neither divides
    [InlineData(64, 64, 32, 32, 16, 32, 3)] // both do
    [InlineData(33, 20, 32, 32, 31, 31, 1)] // narrower than a crop; one row more than one
    [InlineData(40, 47, 17, 25, 1, 25, 64)] // steps of one row
    [InlineData(20, 20, 64, 64, 64, 64, 2)] // smaller than the crop: whole
    public void Slide_Logits_AreThoseOfEveryCropAveragedByCount(
        int height,
        int width,
        int cropHeight,
        int cropWidth,
        int strideHeight,
        int strideWidth,
        int together
    )
    {
        using var model = Model(
            $$"""{ "mode": "slide", "crop_size": [{{cropHeight}}, {{cropWidth}}], "stride": [{{strideHeight}}, {{strideWidth}}], "crop_batch": {{together}} }"""
        );
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var images = Formula.Values("images", 2, 3, height, width);
        var window = SlidingWindow.From(
            new SegmentationTestOptions(SegmentationTestMode.Slide, new(cropHeight, cropWidth), new(strideHeight, strideWidth), together)
        )!;
        var head = model.Head("decode_head");
        var logits = window.Logits(images, model.Logits, new(head.Classes, head.AlignCorners));

        var (h, w) = (Math.Min(height, cropHeight), Math.Min(width, cropWidth));
        var (sum, count) = (new double[2, 4, height, width], new int[height, width]);
        for (var top = 0; ; top += strideHeight)
        {
            var y = Math.Min(top, height - h);
            for (var left = 0; ; left += strideWidth)
            {
                var x = Math.Min(left, width - w);
                var crop = head.Enlarge(model.Logits(images[.., .., y..(y + h), x..(x + w)].contiguous()), h, w).Values<float>();
                for (var i = 0; i < crop.Length; i++)
                {
                    var (b, c, r, q) = (i / (4 * h * w), i / (h * w) % 4, i / w % h, i % w);
                    sum[b, c, y + r, x + q] += crop[i];
                    if (b == 0 && c == 0)
                        count[y + r, x + q]++;
                }
                if (x + w >= width)
                    break;
            }
            if (y + h >= height)
                break;
        }
        var values = logits.Values<float>();
        for (var i = 0; i < values.Length; i++)
        {
            var (b, c, r, q) = (i / (4 * height * width), i / (height * width) % 4, i / width % height, i % width);
            Assert.True(count[r, q] > 0);
            Assert.Equal(sum[b, c, r, q] / count[r, q], values[i], 1e-5);
        }
    }

    [Fact]
    public void Slide_OneCropForAll_EqualsWhole()
    {
        using var whole = Model("{ }");
        using var slide = Model("""{ "mode": "slide", "crop_size": 80, "stride": 40 }""");
        using var batch = Batch(2, 49, 66);
        Assert.Equal(Maps(whole, batch), Maps(slide, batch));
    }

    [Fact]
    public void ScalesAndFlips_Predictions_AreTheWeightedMeanOfTheViewsProbabilities()
    {
        using var model = Model(
            """{ "scales": [0.5, 1.0, 1.75], "weights": [1, 3, 2], "flip": true, "flip_directions": ["horizontal", "vertical"] }"""
        );
        using var batch = Batch(2, 40, 56);
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var mean = zeros([2, 4, 40, 56]);
        foreach (var (scale, weight) in new[] { (0.5, 1 / 6.0), (1.0, 3 / 6.0), (1.75, 2 / 6.0) })
        {
            foreach (long[] mirrored in new long[][] { [], [3], [2], [2, 3] })
            {
                var size = new[] { (long)(40 * scale), (long)(56 * scale) };
                var image =
                    scale == 1
                        ? batch.Images
                        : nn.functional.interpolate(batch.Images, size, mode: InterpolationMode.Bilinear, align_corners: false);
                var logits = model.Logits(mirrored.Length > 0 ? image.flip(mirrored) : image);
                var large = nn.functional.interpolate(logits, [40, 56], mode: InterpolationMode.Bilinear, align_corners: false);
                mean += (mirrored.Length > 0 ? large.flip(mirrored) : large).softmax(1) * (weight / 4);
            }
        }
        Assert.Equal(mean.argmax(1).Values<long>().Select(label => (byte)label), Maps(model, batch));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OriginalSize_ResizedMirroredAndPadded_AreUndone(bool alignCorners)
    {
        // The original is 30 x 50; shown at 60 x 75 (2 and 1.5 times), mirrored, 7 columns added on the left and 9 rows below.
        using var scope = NewDisposeScope();
        var transform = Matrix3x2.CreateScale(1.5f, 2) * new Matrix3x2(-1, 0, 0, 1, 75, 0) * Matrix3x2.CreateTranslation(7, 0);
        var logits = Formula.Values("images", 1, 4, 23, 41);
        var views = new View[] { new(1, false, false, 1) };
        var map = new ViewMaps(views, [logits], (69, 82), new((int)logits.shape[1], alignCorners)) { Budget = 3000 }.Classes(
            new Geometry(30, 50, transform)
        );

        // The obvious way: the logits at every pixel shown, then the value at where each original pixel's middle lies.
        var shown = logits.Values<float>();
        for (var y = 0; y < 30; y++)
        {
            for (var x = 0; x < 50; x++)
            {
                var (px, py) = (75 - ((x + 0.5) * 1.5) + 7, (y + 0.5) * 2);
                var (u, v) = alignCorners ? ((px - 0.5) * 40 / 81, (py - 0.5) * 22 / 68) : ((px * 41 / 82) - 0.5, (py * 23 / 69) - 0.5);
                var scores = Enumerable.Range(0, 4).Select(c => Bilinear(shown, c, u, v)).ToArray();
                if (scores.Order().TakeLast(2).Aggregate((a, b) => b - a) > 1e-5)
                    Assert.Equal(Array.IndexOf(scores, scores.Max()), map.Bytes[(y * 50) + x]);
            }
        }

        static double Bilinear(float[] values, int c, double u, double v)
        {
            double At(int y, int x) => values[(((c * 23) + Math.Clamp(y, 0, 22)) * 41) + Math.Clamp(x, 0, 40)];
            (u, v) = (Math.Clamp(u, 0, 40), Math.Clamp(v, 0, 22));
            var (x0, y0) = ((int)Math.Floor(u), (int)Math.Floor(v));
            var (fx, fy) = (u - x0, v - y0);
            return (((At(y0, x0) * (1 - fx)) + (At(y0, x0 + 1) * fx)) * (1 - fy))
                + (((At(y0 + 1, x0) * (1 - fx)) + (At(y0 + 1, x0 + 1) * fx)) * fy);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OriginalSize_InStripsOrAtOnce_IsTheSame(bool alignCorners)
    {
        using var scope = NewDisposeScope();
        var views = new View[] { new(1, false, false, 0.5), new(1, true, true, 0.5) };
        Tensor[] maps = [Formula.Values("images", 1, 3, 9, 14), Formula.Values("other.images", 1, 3, 12, 17).mul(3)];
        var geometry = alignCorners
            ? new Geometry(72, 96, Matrix3x2.Identity)
            : new Geometry(101, 67, Matrix3x2.CreateScale(96 / 67f, 72 / 101f));
        var (once, strips) = (
            new ViewMaps(views, maps, (72, 96), new((int)maps[0].shape[1], alignCorners)),
            new ViewMaps(views, maps, (72, 96), new((int)maps[0].shape[1], alignCorners)) { Budget = 2000 }
        );
        var (a, b) = (once.Classes(geometry).Bytes, strips.Classes(geometry).Bytes);
        Assert.True(a.Zip(b).Count(pair => pair.First != pair.Second) <= 3); // ties of the last bit
        Assert.True(a.Distinct().Count() == 3);
    }

    [Fact]
    public void Prediction_ManyClasses_AreSixteenBit()
    {
        var info = Build.Classes(300, DataTask.Segmentation);
        using var scope = NewDisposeScope();
        var logits = zeros([1, 300, 2, 3]);
        logits[0, 299, 1, 2] = 5;
        logits[0, 255, 0, 0] = 5;
        var map = new ViewMaps([new(1, false, false, 1)], [logits], (2, 3), new((int)logits.shape[1])).Classes(null);
        Assert.Equal(PixelType.UInt16, map.Type);
        Assert.Equal([255, 0, 0, 0, 0, 299], map.Pixels<ushort>().ToArray());
    }

    [Theory]
    [InlineData("""{ "mode": "slide" }""", "mode \"slide\" needs it")]
    [InlineData("""{ "crop_size": 32 }""", "belong to test.mode \"slide\"")]
    [InlineData("""{ "mode": "slide", "crop_size": [32, 16], "stride": [16, 17] }""", "would be left out")]
    [InlineData("""{ "scales": [1, 0] }""", "test.scales must lie in 0.05 .. 20")]
    [InlineData("""{ "scales": [1, 2], "weights": [1] }""", "a positive weight for each of the 2 scales")]
    [InlineData("""{ "flip_directions": ["vertical"] }""", "where test.flip is true")]
    public void TestOptions_ThatMakeNoSense_AreTheUsersMistake(string test, string message) =>
        Assert.Contains(message, Assert.Throws<UserErrorException>(() => Model(test)).Message, StringComparison.Ordinal);

    private static Segmentor Model(string test) =>
        (Segmentor)
            Formula
                .Fill(
                    Build.From<VisionModel>(
                        $$"""
                        { "type": "Segmentor", "backbone": { "type": "ResNet", "depth": 18, "base_channels": 4, "output_stride": 8 },
                          "decode_head": { "type": "FcnHead", "channels": 6, "num_convs": 1 }, "test": {{test}} }
                        """,
                        _info
                    )
                )
                .Evaluated();

    private static Batch Batch(int count, int height, int width) =>
        new()
        {
            Images = Formula.Values("images", count, 3, height, width),
            Samples = [.. Enumerable.Range(0, count).Select(i => new Sample { Index = i, Name = $"sample{i}" })],
        };

    private static byte[] Maps(Segmentor model, Batch batch)
    {
        using var gradients = no_grad();
        return [.. model.Predict(batch).Cast<SegmentationPrediction>().SelectMany(prediction => prediction.Map.Bytes)];
    }
}

file static class ModelExtensions
{
    public static nn.Module Evaluated(this nn.Module model)
    {
        model.eval();
        return model;
    }
}
