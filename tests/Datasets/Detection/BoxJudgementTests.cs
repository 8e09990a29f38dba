using Tessera.Datasets.Detection;

namespace Tessera.Tests.Datasets.Detection;

/// <summary>Boxes that are written in another way than is expected: refused where that is certain, told where it only seems so.</summary>
public sealed class BoxJudgementTests
{
    private const string TwoCorners = "written as two corners, [x1, y1, x2, y2]: so all 4 lie within their images";

    // x1, y1, x2, y2 in images of 100 x 100; as x, y, width, height the last two reach beyond.
    private static readonly double[][] s_corners =
    [
        [10, 10, 30, 40],
        [5, 20, 15, 60],
        [50, 60, 80, 90],
        [40, 70, 60, 95],
    ];

    [Fact]
    public void Corners_OfWhichHalfLeaveTheirImages_AreCertain()
    {
        var boxes = Stated(s_corners);
        Assert.Contains($"the boxes are {TwoCorners}", BoxJudgement.Corners(boxes), StringComparison.Ordinal);
        Assert.Contains(
            "[50, 60, 80, 90] would end at (130, 150) in an image of 100 x 100",
            BoxJudgement.Corners(boxes),
            StringComparison.Ordinal
        );
        Assert.Null(BoxJudgement.Fractions(boxes));
    }

    [Fact]
    public void Corners_OfWhichFewLeaveTheirImages_OnlySeemSo()
    {
        var boxes = Stated([s_corners[0], s_corners[1], [20, 30, 60, 50], s_corners[2]]);
        Assert.Null(BoxJudgement.Corners(boxes));
        Assert.Contains($"the boxes seem to be {TwoCorners}", BoxJudgement.Doubt(boxes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(20, true)]
    [InlineData(19, false)]
    public void Corners_OfManyBoxes_AreCertain_WhereATenthReachFarBeyond(int count, bool certain)
    {
        var boxes = Stated([.. Enumerable.Range(0, count).Select(i => i < 2 ? s_corners[2] : s_corners[0])]);
        Assert.Equal(certain, BoxJudgement.Corners(boxes) is not null);
        Assert.Contains("the boxes seem to be written as two corners", BoxJudgement.Doubt(boxes), StringComparison.Ordinal);
        boxes = Stated([.. Enumerable.Range(0, count).Select(i => i < 2 ? (double[])[5, 5, 98, 98] : s_corners[0])]); // carelessly drawn
        Assert.Null(BoxJudgement.Corners(boxes));
    }

    [Fact]
    public void Fractions_AmongPixels_AreDoubted()
    {
        double[][] pixels = [.. s_corners.Select(box => (double[])[box[0], box[1], box[2] - box[0], box[3] - box[1]])];
        var boxes = Stated([.. pixels, [0.25, 0.5, 0.125, 0.25]]);
        Assert.Null(BoxJudgement.Fractions(boxes));
        Assert.Equal(
            "1 of 5 boxes lies within 0 to 1, in the first pixel of its image: is it a fraction of the image's sides? Pixels are expected. "
                + "The first is [0.25, 0.5, 0.125, 0.25] in an image of 100 x 100.",
            BoxJudgement.Doubt(boxes)
        );
        Assert.Null(BoxJudgement.Doubt(Stated([.. pixels, [0, 0, 1, 1]]))); // one pixel, drawn
    }

    [Fact]
    public void Corners_AsSizes_AreNotDoubted()
    {
        var boxes = Stated([.. s_corners.Select(box => (double[])[box[0], box[1], box[2] - box[0], box[3] - box[1]])]);
        Assert.Null(BoxJudgement.Corners(boxes));
        Assert.Null(BoxJudgement.Doubt(boxes));
    }

    [Theory]
    [InlineData(1, "all 4 boxes have values above 1, so that they are written in percent, or in pixels", "or all by 100")]
    [InlineData(3, "all 4 boxes have values above 1, so that they are written in pixels", "Divide x and width by the image's width")]
    public void Centered_InPercentOrPixels_AreCertain(double scale, string what, string remedy)
    {
        var fault = CenteredBoxJudgement.Fault(Centered([.. s_corners.Select(box => box.Select(value => value * scale).ToArray())]));
        Assert.Contains(what, fault, StringComparison.Ordinal);
        Assert.Contains(remedy, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Centered_AsCornersInFractions_AreCertain()
    {
        var fault = CenteredBoxJudgement.Fault(Centered([.. s_corners.Select(box => box.Select(value => value / 100).ToArray())]));
        // The first two begin left of the image, at -0.05 and -0.025; the others end below it, at 1.05 and 1.175.
        Assert.Contains("\"class x1 y1 x2 y2\": so all 4 lie within their images", fault, StringComparison.Ordinal);
        Assert.Contains("4 reach beyond. The first of these is 0.txt:1, 0.1 0.1 0.3 0.4.", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Centered_AsTheyShouldBe_AndOneThatIsNot_AreNoFaultOfAll()
    {
        double[][] boxes =
        [
            .. s_corners.Select(box =>
                (double[])[(box[0] + box[2]) / 200, (box[1] + box[3]) / 200, (box[2] - box[0]) / 100, (box[3] - box[1]) / 100]
            ),
        ];
        Assert.Null(CenteredBoxJudgement.Fault(Centered(boxes)));
        Assert.Null(CenteredBoxJudgement.Fault(Centered([.. boxes, [50, 60, 80, 90]])));
        Assert.Null(CenteredBoxJudgement.Fault([]));
    }

    private static StatedBox[] Stated(double[][] boxes) =>
        [.. boxes.Select(box => new StatedBox(box[0], box[1], box[2], box[3], 100, 100))];

    private static IEnumerable<CenteredBox> Centered(double[][] boxes) =>
        boxes.Select((box, i) => new CenteredBox(box[0], box[1], box[2], box[3], $"{i}.txt:1"));
}
