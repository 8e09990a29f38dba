using Tessera.Framework.Data;
using static Tessera.Tests.Framework.Data.MaskScenes;

namespace Tessera.Tests.Framework.Data;

/// <summary>Run lengths, texts, polygons, overlaps and boundaries: against pycocotools, against pixels one by one, and by hand.</summary>
public class MaskTests
{
    [Fact]
    public void Polygons_OnFixture_AreThoseOfPycocotools()
    {
        foreach (var entry in Fixture.GetProperty("codec").EnumerateArray())
        {
            var (height, width) = (entry.GetProperty("size")[0].GetInt32(), entry.GetProperty("size")[1].GetInt32());
            var mask = Segmentation(entry.GetProperty("polygons"), height, width);
            var text = entry.GetProperty("counts").GetString()!;
            Assert.Equal(entry.GetProperty("runs").EnumerateArray().Select(run => run.GetInt32()), mask.Runs);
            Assert.Equal(text, RunLengthText.Encode(mask));
            Assert.Equal(mask.Runs, Decode(text, height, width).Runs);
            Assert.Equal(entry.GetProperty("area").GetInt64(), mask.Area);
            var (x, y, w, h) = mask.Box;
            Assert.Equal(Numbers(entry.GetProperty("box")), (double[])[x, y, w, h]);
            var boundary = MaskBoundary.Of(mask, MaskBoundary.Distance(height, width, 0.05));
            Assert.Equal(entry.GetProperty("boundary").GetString(), RunLengthText.Encode(boundary));
        }
    }

    [Fact]
    public void Vote_IsPixelByPixel()
    {
        var random = new Random(5);
        for (var run = 0; run < 200; run++)
        {
            var (height, width) = (random.Next(1, 9), random.Next(1, 9));
            var images = Enumerable.Range(0, random.Next(1, 5)).Select(_ => MaskScenes.Random(random, height, width)).ToArray();
            var weights = images.Select((_, i) => i == 0 ? 1 : random.Next(4) / 10.0).ToArray();
            var found = RunLengthMask.Vote([.. images.Select(RunLengthMask.Of)], weights).ToImage();
            for (var i = 0; i < height * width; i++)
                Assert.Equal(
                    images.Zip(weights).Where(one => one.First.Bytes[i] > 0).Sum(one => one.Second) >= weights.Sum() / 2,
                    found.Bytes[i] > 0
                );
        }
        Assert.Throws<ArgumentException>(() => RunLengthMask.Vote([], []));
        Assert.Throws<ArgumentException>(() => RunLengthMask.Vote([new(2, 3, [6])], [0]));
        Assert.Throws<ArgumentException>(() => RunLengthMask.Vote([new(2, 3, [6]), new(3, 2, [6])], [1, 1]));
    }

    [Fact]
    public void Overlaps_OnFixture_AreThoseOfPycocotools()
    {
        var entry = Fixture.GetProperty("overlaps");
        var (height, width) = (entry.GetProperty("size")[0].GetInt32(), entry.GetProperty("size")[1].GetInt32());
        var masks = entry.GetProperty("masks").EnumerateArray().Select(text => Decode(text.GetString()!, height, width)).ToArray();
        for (var d = 0; d < 4; d++)
        for (var g = 0; g < 4; g++)
            Assert.Equal(
                entry.GetProperty("iou")[d][g].GetDouble(),
                MaskOverlap.IoU(masks[4 + d], masks[g], entry.GetProperty("crowd")[g].GetInt32() == 1)
            );
        Assert.Equal(entry.GetProperty("union").GetString(), RunLengthText.Encode(MaskOverlap.Union(masks[..3])));
        Assert.Equal(entry.GetProperty("intersection").GetString(), RunLengthText.Encode(MaskOverlap.Intersect(masks[1..3])));
    }

    [Fact]
    public void Masks_OfRandomPixels_AgreeWithCounting()
    {
        var random = new Random(0);
        for (var round = 0; round < 200; round++)
        {
            var (height, width) = (random.Next(1, 12), random.Next(1, 12));
            var (a, b) = (Random(random, height, width), Random(random, height, width));
            var (runsA, runsB) = (RunLengthMask.Of(a), RunLengthMask.Of(b));
            Assert.Equal(a.Bytes, runsA.ToImage().Bytes);
            Assert.Equal(a.Bytes, Decode(RunLengthText.Encode(runsA), height, width).ToImage().Bytes);
            Assert.Equal(a.Bytes.Sum(value => value), runsA.Area);
            Assert.Equal(BoxOf(a), runsA.Box);
            var (both, any) = (Join(a, b, (x, y) => x & y), Join(a, b, (x, y) => x | y));
            Assert.Equal(both, MaskOverlap.Intersect([runsA, runsB]).ToImage().Bytes);
            Assert.Equal(any, MaskOverlap.Union([runsA, runsB]).ToImage().Bytes);
            var (shared, union) = (both.Sum(value => value), any.Sum(value => value));
            Assert.Equal(shared == 0 ? 0 : (double)shared / union, MaskOverlap.IoU(runsA, runsB));
            Assert.Equal(shared == 0 ? 0 : (double)shared / runsA.Area, MaskOverlap.IoU(runsA, runsB, ofFirst: true));
            var distance = random.Next(1, 4);
            var boundary = MaskBoundary.Of(runsA, distance);
            Assert.Equal(Boundary(a, distance), boundary.ToImage().Bytes);
            Assert.DoesNotContain(0, boundary.Runs.Skip(1));
        }
    }

    /// <summary>Where no edge passes near a pixel's middle, a pixel is inside as its middle is, by the even-odd rule.</summary>
    [Fact]
    public void Polygons_AtRandom_HoldThePixelsWhoseMiddleIsInside()
    {
        var random = new Random(1);
        var looked = 0;
        for (var round = 0; round < 100; round++)
        {
            var points = new double[2 * random.Next(3, 8)];
            for (var i = 0; i < points.Length; i++)
                points[i] = random.NextDouble() * 40 - 10;
            var mask = PolygonMask.Of([points], 20, 20).ToImage();
            for (var i = 0; i < 400; i++)
            {
                var (x, y) = (i % 20 + 0.5, i / 20 + 0.5);
                if (DistanceTo(points, x, y) < 0.5)
                    continue;
                looked++;
                Assert.Equal(IsInside(points, x, y), mask.Bytes[i] == 1);
            }
        }
        Assert.True(looked > 10_000);
    }

    [Fact]
    public void RunLengths_ByHand()
    {
        // 2 rows, 3 columns; inside: the lower left and all of the middle one.
        var mask = new RunLengthMask(2, 3, [1, 3, 2]);
        Assert.Equal([0, 1, 0, 1, 1, 0], mask.ToImage().Bytes);
        Assert.Equal((3L, (0, 0, 2, 2)), (mask.Area, mask.Box));
        Assert.Equal("132", RunLengthText.Encode(mask)); // 48 + 1, 48 + 3, 48 + 2
        Assert.Equal((0, 0, 0, 0), new RunLengthMask(2, 3, [6]).Box);
        Assert.Equal((1, 0, 1, 2), new RunLengthMask(2, 3, [2, 0, 0, 2, 2]).Box);
        // A square of pixels has its outline on their corners.
        Assert.Equal(
            [5, 2, 2, 2, 5],
            PolygonMask
                .Of(
                    [
                        [1.0, 1, 3, 1, 3, 3, 1, 3],
                    ],
                    4,
                    4
                )
                .Runs
        );
    }

    [Theory]
    [InlineData("1", "its runs sum to 1, but the image of 3 x 2 has 6 pixels")]
    [InlineData("1P", "its compressed counts are cut off")]
    [InlineData("1 2", "its compressed counts hold \" \" at 1; characters from \"0\" to \"o\" were expected")]
    [InlineData("1N", "run 1 is -2; 0 to 2147483647 is possible")]
    [InlineData("oooooooo", "a number of more than 7 groups at 0")]
    public void Text_ThatIsNoMask_IsTold(string text, string fault)
    {
        Assert.False(RunLengthText.TryDecode(text, 2, 3, out _, out var found));
        Assert.Equal(fault, found);
    }

    [Fact]
    public void Faults_AreTold()
    {
        Assert.Equal("run 0 is negative (-1)", RunLengthMask.Fault(2, 3, [-1, 7]));
        Assert.Equal(
            "its runs sum to 4294967294, but the image of 3 x 2 has 6 pixels",
            RunLengthMask.Fault(2, 3, [int.MaxValue, int.MaxValue])
        );
        Assert.StartsWith("an image of 100000 x 100000 can't have a mask", RunLengthMask.Fault(100_000, 100_000, []));
        Assert.Equal("a polygon has an odd number of coordinates (7)", PolygonMask.Fault(new double[7]));
        Assert.Equal("a polygon has 2 points; three make an area", PolygonMask.Fault(new double[4]));
        Assert.Equal("a polygon has a coordinate that is no number or beyond all images", PolygonMask.Fault([1, 1, 2, 2, 3, double.NaN]));
        Assert.Equal(
            "a polygon's outline is too long to be drawn",
            PolygonMask.Fault([.. Enumerable.Range(0, 100).SelectMany(i => (double[])[i % 2 * 9e5, 0])])
        );
    }

    private static (int, int, int, int) BoxOf(Image mask)
    {
        var inside = Enumerable.Range(0, mask.Bytes.Length).Where(i => mask.Bytes[i] != 0).ToArray();
        if (inside.Length == 0)
            return (0, 0, 0, 0);
        var (left, top) = (inside.Min(i => i % mask.Width), inside.Min(i => i / mask.Width));
        return (left, top, inside.Max(i => i % mask.Width) - left + 1, inside.Max(i => i / mask.Width) - top + 1);
    }

    private static byte[] Join(Image a, Image b, Func<int, int, int> join) => [.. a.Bytes.Zip(b.Bytes, (x, y) => (byte)join(x, y))];

    private static byte[] Boundary(Image mask, int distance)
    {
        var found = new byte[mask.Bytes.Length];
        for (var i = 0; i < found.Length; i++)
        {
            var (x, y) = (i % mask.Width, i / mask.Width);
            var near = false;
            for (var dy = -distance; dy <= distance; dy++)
            for (var dx = -distance; dx <= distance; dx++)
                near |=
                    x + dx < 0
                    || x + dx >= mask.Width
                    || y + dy < 0
                    || y + dy >= mask.Height
                    || mask.Bytes[(y + dy) * mask.Width + x + dx] == 0;
            found[i] = near ? mask.Bytes[i] : (byte)0;
        }
        return found;
    }

    private static bool IsInside(double[] points, double x, double y)
    {
        var inside = false;
        for (var i = 0; i < points.Length; i += 2)
        {
            var (x1, y1, x2, y2) = Edge(points, i);
            if (x1 > x != x2 > x && y > y1 + (x - x1) * (y2 - y1) / (x2 - x1))
                inside = !inside;
        }
        return inside;
    }

    private static double DistanceTo(double[] points, double x, double y)
    {
        var least = double.MaxValue;
        for (var i = 0; i < points.Length; i += 2)
        {
            var (x1, y1, x2, y2) = Edge(points, i);
            var (dx, dy) = (x2 - x1, y2 - y1);
            var t = Math.Clamp(((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy), 0, 1);
            least = Math.Min(least, Math.Sqrt(Math.Pow(x1 + t * dx - x, 2) + Math.Pow(y1 + t * dy - y, 2)));
        }
        return least;
    }

    private static (double, double, double, double) Edge(double[] points, int at)
    {
        var next = (at + 2) % points.Length;
        return (points[at], points[at + 1], points[next], points[next + 1]);
    }
}
