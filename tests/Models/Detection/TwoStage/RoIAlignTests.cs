using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Models.Detection;
using Tessera.Models.Detection.RoI;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection.TwoStage;

/// <summary>Pooling of regions against torchvision's (make_two_stage.py), against its definition, and on the device's way.</summary>
public sealed class RoIAlignTests
{
    [Fact]
    public void Pool_BothForms_MatchesTorchvisionWithGradients()
    {
        var fixture = FixtureFile.Json("models", "roi_align.json");
        var rois = fixture.GetProperty("rois").EnumerateArray().Select(Numbers).ToArray();
        var regions = new RoIs(
            BoxArray.Of([.. rois.SelectMany(roi => roi.Skip(1)).Select(n => (float)n)]),
            [.. rois.Select(roi => (int)roi[0])]
        );
        foreach (var expected in fixture.GetProperty("cases").EnumerateArray())
        {
            using var scope = NewDisposeScope();
            var grid = new RoIGrid(
                expected.GetProperty("size").GetInt32(),
                expected.GetProperty("ratio").GetInt32(),
                expected.GetProperty("aligned").GetBoolean()
            );
            var maps = Formula.Values("images", 2, 2, 10, 12).requires_grad_();
            var pooled = RoIAlign.Pool(maps, 0.25f, regions, grid);
            AssertClose(Numbers(expected.GetProperty("values")), pooled, $"{grid}");
            (pooled * Formula.Values("images", pooled.shape)).sum().backward();
            AssertClose(Numbers(expected.GetProperty("gradient")), maps.grad!, $"gradient, {grid}");
        }
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 2)]
    [InlineData(false, 0)]
    [InlineData(false, 3)]
    public void Pool_SeveralMapsAndImages_IsItsDefinition_OnEitherWay(bool aligned, int ratio)
    {
        using var scope = NewDisposeScope();
        var random = new RandomSource(7);
        float[] scales = [0.25f, 0.125f];
        Tensor[] maps = [Formula.Values("images", 2, 5, 14, 11), Formula.Values("images", 2, 5, 7, 6)];
        var (corners, images, levels) = (new List<float>(), new List<int>(), new List<int>());
        for (var i = 0; i < 25; i++)
        {
            var (x, y) = (random.Uniform(-12, 44), random.Uniform(-12, 56));
            corners.AddRange((float)x, (float)y, (float)(x + random.Uniform(0, 40)), (float)(y + random.Uniform(0, 40)));
            images.Add(random.Next(2));
            levels.Add(random.Next(2));
        }
        var regions = new RoIs(BoxArray.Of(corners.ToArray()), [.. images]);
        var grid = new RoIGrid(3, ratio, aligned);
        var (first, second) = (Leaves(maps), Leaves(maps));
        var pooled = RoIAlign.Pool(first, scales, regions, [.. levels], grid);
        var plan = new RoIPlan([(14, 11), (7, 6)], scales, regions, [.. levels], grid);
        var byOperators = RoIAlignOperators.Pool([.. second.Select(map => map.permute(0, 2, 3, 1).contiguous())], plan).permute(0, 3, 1, 2);
        Assert.True(pooled.allclose(byOperators, 1e-5, 1e-5));
        var weights = Formula.Values("images", pooled.shape);
        (pooled * weights).sum().backward();
        (byOperators * weights).sum().backward();
        for (var i = 0; i < maps.Length; i++)
            Assert.True(first[i].grad!.allclose(second[i].grad!, 1e-5, 1e-5));

        var values = pooled.contiguous().Values<float>();
        var flat = maps.Select(map => map.Values<float>()).ToArray();
        var at = 0;
        for (var region = 0; region < regions.Count; region++)
        for (var channel = 0; channel < 5; channel++)
        for (var row = 0; row < 3; row++)
        for (var column = 0; column < 3; column++, at++)
        {
            var level = levels[region];
            var (height, width) = level == 0 ? (14, 11) : (7, 6);
            var plane = flat[level].AsSpan(((images[region] * 5) + channel) * height * width, height * width).ToArray();
            var box = corners.Slice(4 * region, 4).Select(side => (double)side * scales[level]).ToArray();
            Assert.Equal(Bin(plane, height, width, box, 3, row, column, ratio, aligned), values[at], 2e-5);
        }
    }

    [Fact]
    public void Pool_NoRegions_IsEmptyAndHasAZeroGradient()
    {
        using var scope = NewDisposeScope();
        var maps = Formula.Values("images", 1, 2, 4, 4).requires_grad_();
        var pooled = RoIAlign.Pool(maps, 1, new RoIs(BoxArray.Empty, []), new RoIGrid(7));
        Assert.Equal([0, 2, 7, 7], pooled.shape);
        pooled.sum().backward();
        Assert.Equal(0, maps.grad!.abs().sum().item<float>());
    }

    [Fact]
    public void Pool_HalfPrecision_KeepsTheMapsType_InItsGradient()
    {
        using var scope = NewDisposeScope();
        var maps = Formula.Values("images", 1, 4, 8, 8).to(ScalarType.BFloat16).requires_grad_();
        var pooled = RoIAlign.Pool(maps, 1, new RoIs(BoxArray.Of([1, 1, 6, 5]), [0]), new RoIGrid(2));
        Assert.Equal(ScalarType.Float32, pooled.dtype);
        pooled.sum().backward();
        Assert.Equal(ScalarType.BFloat16, maps.grad!.dtype);
        Assert.Equal(16, maps.grad!.to(ScalarType.Float32).sum().item<float>(), 0.2); // 4 channels of 4 means
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 0)]
    public void Pool_MapOrImageThatIsNotThere_IsRefused(int level, int image)
    {
        using var maps = zeros(1, 2, 4, 4);
        var regions = new RoIs(BoxArray.Of([0, 0, 1, 1]), [image]);
        Assert.Throws<ArgumentException>(() => RoIAlign.Pool([maps], [1f], regions, [level], new RoIGrid(2)));
    }

    [Fact]
    public void Extractor_SidesOfBoxes_ChooseTheMap()
    {
        // ⌊log₂(side / 56)⌋: below 112 the first map, from 112 on the second, from 224 on the third, from 448 on the last.
        float[] sides = [0, 10, 111.9f, 112, 223.9f, 224, 447.9f, 448, 5000];
        var boxes = BoxArray.Of([.. sides.SelectMany(side => new[] { 0, 0, side, side })]);
        var extractor = new SingleRoIExtractor(new(), new Source([4, 8, 16, 32, 64]));
        Assert.Equal([0, 0, 0, 1, 1, 2, 2, 3, 3], extractor.LevelsOf(boxes));
    }

    /// <summary>A bin as the paper has it: the mean of its samples.</summary>
    private static double Bin(float[] plane, int height, int width, double[] box, int size, int row, int column, int ratio, bool aligned)
    {
        var offset = aligned ? 0.5 : 0;
        var (x, y, w, h) = (box[0] - offset, box[1] - offset, box[2] - box[0], box[3] - box[1]);
        if (!aligned)
            (w, h) = (Math.Max(w, 1), Math.Max(h, 1));
        var (down, across) = ratio > 0 ? (ratio, ratio) : ((int)Math.Ceiling(h / size), (int)Math.Ceiling(w / size));
        var sum = 0.0;
        for (var i = 0; i < down; i++)
        for (var j = 0; j < across; j++)
            sum += Sample(
                plane,
                height,
                width,
                y + ((row + ((i + 0.5) / down)) * h / size),
                x + ((column + ((j + 0.5) / across)) * w / size)
            );
        return sum / Math.Max(1, down * across);
    }

    private static double Sample(float[] plane, int height, int width, double y, double x)
    {
        if (y < -1 || y > height || x < -1 || x > width)
            return 0;
        (y, x) = (Math.Clamp(y, 0, height - 1), Math.Clamp(x, 0, width - 1));
        var (top, left) = ((int)y, (int)x);
        var (bottom, right) = (Math.Min(top + 1, height - 1), Math.Min(left + 1, width - 1));
        var (ly, lx) = (y - top, x - left);
        return ((1 - ly) * (((1 - lx) * plane[(top * width) + left]) + (lx * plane[(top * width) + right])))
            + (ly * (((1 - lx) * plane[(bottom * width) + left]) + (lx * plane[(bottom * width) + right])));
    }

    private static Tensor[] Leaves(Tensor[] maps) => Array.ConvertAll(maps, map => map.clone().requires_grad_());

    private static void AssertClose(double[] expected, Tensor actual, string what)
    {
        var values = actual.contiguous().Values<float>();
        Assert.Equal(expected.Length, values.Length);
        for (var i = 0; i < values.Length; i++)
            Assert.True(Math.Abs(expected[i] - values[i]) < 2e-5, $"{what}: {values[i]} at {i}, expected {expected[i]}");
    }

    private static double[] Numbers(JsonElement list) => [.. list.EnumerateArray().Select(n => n.GetDouble())];
}
