using System.Numerics;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

public sealed class RandomAffineTests
{
    [Fact]
    public void NothingToDo_ChangesNothing()
    {
        var sample = new RandomAffine(new(0, 0, [1, 1], 0)).Apply(TestScene.Create(), new RandomSource(0));
        Assert.Equal(TestScene.Create().Image!.Decode().Bytes, sample.Image!.Decode().Bytes);
        Assert.Equal(TestScene.Create().Truth.Boxes!.Corners, sample.Truth.Boxes!.Corners);
    }

    [Fact]
    public void HalfTheSize_FromTheUpperLeftCorner()
    {
        var sample = new RandomAffine(new(0, 0, [0.5, 0.5], 0, Border: [-10, -20])).Apply(TestScene.Create(), new RandomSource(0));
        Assert.Equal((40, 40), sample.Image!.Size);
        Assert.Equal([4, 5, 15, 13, 22, 14, 35, 26], sample.Truth.Boxes!.Corners);
        Assert.Equal(114, sample.Image.Decode().Bytes[((35 * 40) + 2) * 3]); // below the image's 30 rows
        Assert.Equal(200, sample.Image.Decode().Bytes[((8 * 40) + 8) * 3]);
    }

    /// <summary>Each drawn map is the product of its parts: a corner goes where scaling, turning, shearing and shifting one after another
    /// put it, with angles within their limits.</summary>
    [Fact]
    public void Parts_KeepToTheirLimits()
    {
        var (turns, scales, shears, shifts) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var seed = 0; seed < 300; seed++)
        {
            turns.Add(Map(new(30, 0, [1, 1], 0), seed, map => Math.Atan2(map.M12, map.M11) * 180 / Math.PI));
            scales.Add(Map(new(0, 0, [0.5, 1.5], 0), seed, map => map.M11));
            shears.Add(Map(new(0, 0, [1, 1], 20), seed, map => Math.Atan(map.M21) * 180 / Math.PI));
            shifts.Add(Map(new(0, 0.25, [1, 1], 0), seed, map => map.M31 / TestScene.Width));
        }
        Spread(turns, -30, 30);
        Spread(scales, 0.5, 1.5);
        Spread(shears, -20, 20);
        Spread(shifts, -0.25, 0.25);
    }

    [Fact]
    public void BoxesGoWithTheirObjects()
    {
        for (var seed = 0UL; seed < 40; seed++)
        {
            var sample = new RandomAffine(new()).Apply(TestScene.Create(), new RandomSource(seed));
            var boxes = sample.Truth.Boxes!;
            for (var i = 0; i < boxes.Count; i++)
            {
                var box = boxes.Corners.AsSpan(4 * i, 4).ToArray();
                var mask = sample.Truth.InstanceMasks![i];
                for (var pixel = 0; pixel < mask.Bytes.Length; pixel++)
                {
                    var (y, x) = Math.DivRem(pixel, mask.Width);
                    if (mask.Bytes[pixel] == 1)
                        Assert.True(x + 1 >= box[0] && x <= box[2] && y + 1 >= box[1] && y <= box[3]);
                }
            }
        }
    }

    [Fact]
    public void Mistakes_AreTold()
    {
        var cut = Assert.Throws<UserErrorException>(() =>
            new RandomAffine(new(Border: [-30])).Apply(TestScene.Create(), new RandomSource(0))
        );
        Assert.Contains("leaves nothing", cut.Message, StringComparison.Ordinal);
        var range = Assert.Throws<UserErrorException>(() => new RandomAffine(new(ScalingRatioRange: [2, 1])));
        Assert.Contains("scaling_ratio_range [2, 1]", range.Message, StringComparison.Ordinal);
    }

    private static double Map(RandomAffineOptions options, int seed, Func<Matrix3x2, double> part) =>
        part(new RandomAffine(options).Apply(TestScene.Create(), RandomSource.For(1, 0, seed)).Geometry!.Transform);

    private static void Spread(List<double> drawn, double low, double high)
    {
        Assert.All(drawn, value => Assert.InRange(value, low - 1e-4, high + 1e-4));
        Assert.InRange(drawn.Min(), low, low + ((high - low) * 0.05));
        Assert.InRange(drawn.Max(), high - ((high - low) * 0.05), high);
    }
}
