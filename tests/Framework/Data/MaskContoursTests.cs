using Tessera.Framework.Data;
using static Tessera.Tests.Framework.Data.MaskScenes;

namespace Tessera.Tests.Framework.Data;

/// <summary>Outlines of masks: filled, they are the masks again, with holes and with parts that touch at corners.</summary>
public class MaskContoursTests
{
    [Fact]
    public void Outlines_Filled_AreTheMask()
    {
        var random = new Random(2);
        for (var round = 0; round < 200; round++)
        {
            var (height, width) = (random.Next(1, 14), random.Next(1, 14));
            var mask = RunLengthMask.Of(Random(random, height, width));
            var polygons = MaskContours.Of(mask);
            Assert.Equal(mask.ToImage().Bytes, PolygonMask.Of(polygons, height, width).ToImage().Bytes);
            Assert.All(polygons, points => Assert.Null(PolygonMask.Fault(points)));
            if (polygons.Count > 0)
                Assert.Equal(mask.ToImage().Bytes, PolygonMask.Of([MaskContours.Joined(polygons)], height, width).ToImage().Bytes);
        }
    }

    [Fact]
    public void Outlines_ByHand()
    {
        // A ring of 3 x 3 around one pixel, and a pixel that touches it at a corner.
        var mask = RunLengthMask.Of(new Image(4, 4, 1, PixelType.UInt8, [1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 0, 0, 1]));
        var polygons = MaskContours.Of(mask);
        Assert.Equal(2, polygons.Count);
        Assert.Equal(2 * (4 + 4 + 2), polygons[0].Length); // outside, hole, and there and back
        Assert.Equal([4, 3, 4, 4, 3, 4, 3, 3], polygons[1]);
        Assert.Empty(MaskContours.Of(new RunLengthMask(2, 2, [4])));
    }

    [Fact]
    public void Outlines_Simplified_StayNear()
    {
        var disc = new Image(80, 80, 1);
        for (var i = 0; i < disc.Bytes.Length; i++)
        {
            var distance = Math.Sqrt(Math.Pow(i % 80 - 39.5, 2) + Math.Pow(i / 80 - 39.5, 2));
            disc.Bytes[i] = distance is > 10 and < 30 ? (byte)1 : (byte)0;
        }
        var mask = RunLengthMask.Of(disc);
        var (exact, simple) = (Assert.Single(MaskContours.Of(mask)), Assert.Single(MaskContours.Of(mask, MaskContours.UsualTolerance)));
        Assert.InRange(simple.Length, 30, exact.Length / 3);
        Assert.InRange(MaskOverlap.IoU(mask, PolygonMask.Of([simple], 80, 80)), 0.96, 1);
    }
}
