using CsCheck;
using Tessera.Framework.Data;
using Tessera.Models.Detection;
using Tessera.Models.Losses.Detection;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Detection;

/// <summary>The three forms of box geometry (in doubles, in vectors, in tensors) against counted pixels; a failure is shrunk, and its seed
/// is in the message.</summary>
public sealed class BoxPropertyTests
{
    private const int Side = 14;

    /// <summary>Whole pixels, x1 below x2 and y1 below y2.</summary>
    private static readonly Gen<int[]> s_box = Gen.Select(
        Gen.Int[0, 8],
        Gen.Int[0, 8],
        Gen.Int[1, 6],
        Gen.Int[1, 6],
        (x, y, width, height) => new[] { x, y, x + width, y + height }
    );

    [Fact]
    public void IoU_OfPixels_IsTheCountedShare() =>
        Gen.Select(s_box, s_box)
            .Sample(
                (a, b) =>
                {
                    var (shared, either, first) = Count(a, b);
                    Assert.Equal((double)shared / either, BoxGeometry.IoU(Sizes(a), Sizes(b)), 1e-12);
                    Assert.Equal((double)shared / first, BoxGeometry.IoU(Sizes(a), Sizes(b), ofFirst: true), 1e-12);
                    foreach (var overlap in Vectors(a, b, ofOwn: false))
                        Assert.Equal((float)shared / either, overlap, 1e-6f);
                    foreach (var overlap in Vectors(a, b, ofOwn: true))
                        Assert.Equal((float)shared / first, overlap, 1e-6f);
                    Assert.Equal((float)shared / either, Tensors(a, b), 1e-6f);
                },
                iter: 400,
                threads: 1
            );

    [Fact]
    public void IoU_IsSymmetricWithinItsBoundsAndOneForTheSameBoxAlone() =>
        Gen.Select(s_box, s_box)
            .Sample(
                (a, b) =>
                {
                    var overlap = BoxGeometry.IoU(Sizes(a), Sizes(b));
                    Assert.InRange(overlap, 0, 1);
                    Assert.Equal(overlap, BoxGeometry.IoU(Sizes(b), Sizes(a)));
                    Assert.Equal(Vectors(a, b, ofOwn: false), Vectors(b, a, ofOwn: false));
                    Assert.Equal(a.SequenceEqual(b), overlap == 1);
                    Assert.Equal(1, BoxGeometry.IoU(Sizes(a), Sizes(a)));
                },
                iter: 400,
                threads: 1
            );

    /// <summary>Shifts by whole pixels and scales by powers of two are exact, so that the overlap is the same to the last bit.</summary>
    [Fact]
    public void IoU_OfMovedAndScaledBoxes_IsTheSame() =>
        Gen.Select(s_box, s_box, Gen.Int[-1000, 1000], Gen.Int[-1000, 1000], Gen.Int[-3, 3])
            .Sample(
                (a, b, right, down, power) =>
                {
                    var scale = (float)Math.Pow(2, power);
                    float[] Moved(int[] box) => [.. box.Select((value, i) => (value + (i % 2 == 0 ? right : down)) * scale)];
                    Assert.Equal(
                        BoxGeometry.IoU(Sizes(a), Sizes(b)),
                        BoxGeometry.IoU(BoxGeometry.FromCorners(Moved(a)), BoxGeometry.FromCorners(Moved(b)))
                    );
                    Assert.Equal(Vectors(a, b, ofOwn: false)[0], Overlaps(BoxArray.Of(Moved(a)), BoxArray.Of(Moved(b)), ofOwn: false)[0]);
                },
                iter: 400,
                threads: 1
            );

    [Fact]
    public void GeneralizedIoU_LiesBetweenMinusOneAndTheIoU() =>
        Gen.Select(s_box, s_box)
            .Sample(
                (a, b) =>
                {
                    using var scope = NewDisposeScope();
                    var general = new BoxPairs(Row(a), Row(b)).GeneralizedIou().item<float>();
                    var hull = (Math.Max(a[2], b[2]) - Math.Min(a[0], b[0])) * (Math.Max(a[3], b[3]) - Math.Min(a[1], b[1]));
                    var (shared, either, _) = Count(a, b);
                    Assert.Equal(((float)shared / either) - ((float)(hull - either) / hull), general, 1e-6f);
                    Assert.InRange(general, -1, ((float)shared / either) + 1e-6f);
                },
                iter: 200,
                threads: 1
            );

    private static (int Shared, int Either, int First) Count(int[] a, int[] b)
    {
        var (shared, either, first) = (0, 0, 0);
        for (var y = 0; y < Side; y++)
        for (var x = 0; x < Side; x++)
        {
            var (inA, inB) = (Holds(a, x, y), Holds(b, x, y));
            shared += inA && inB ? 1 : 0;
            either += inA || inB ? 1 : 0;
            first += inA ? 1 : 0;
        }
        return (shared, either, first);

        static bool Holds(int[] box, int x, int y) => x >= box[0] && x < box[2] && y >= box[1] && y < box[3];
    }

    private static double[] Sizes(int[] box) => [box[0], box[1], box[2] - box[0], box[3] - box[1]];

    /// <summary>As many copies of the first box as fill a vector and a rest, each held against the second.</summary>
    private static float[] Vectors(int[] a, int[] b, bool ofOwn)
    {
        float[] corners = [.. Enumerable.Repeat(a, 19).SelectMany(box => box).Select(value => (float)value)];
        return Overlaps(BoxArray.Of(corners), BoxArray.Of([.. b.Select(value => (float)value)]), ofOwn);
    }

    private static float[] Overlaps(BoxArray boxes, BoxArray other, bool ofOwn)
    {
        var result = new float[boxes.Count];
        boxes.Overlaps(other, 0, result, ofOwn);
        return result;
    }

    private static float Tensors(int[] a, int[] b)
    {
        using var scope = NewDisposeScope();
        return new BoxPairs(Row(a), Row(b)).Iou.item<float>();
    }

    private static Tensor Row(int[] box) => tensor(Array.ConvertAll(box, value => (float)value)).view(1, 4);
}
