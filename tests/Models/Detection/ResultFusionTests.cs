using Tessera.Framework.Data;
using Tessera.Models.Detection;

namespace Tessera.Tests.Models.Detection;

/// <summary>Against the package that tests/Fixtures/metrics/make_box_fusion.py runs, and by hand.</summary>
public sealed class ResultFusionTests
{
    private static readonly ScoredBox[][] s_example =
    [
        [
            Box(0.00, 0.51, 0.81, 0.91, 0.9, 0),
            Box(0.10, 0.31, 0.71, 0.61, 0.8, 1),
            Box(0.01, 0.32, 0.83, 0.93, 0.2, 0),
            Box(0.02, 0.53, 0.11, 0.94, 0.4, 1),
            Box(0.03, 0.24, 0.12, 0.35, 0.7, 1),
        ],
        [
            Box(0.04, 0.56, 0.84, 0.92, 0.5, 1),
            Box(0.12, 0.33, 0.72, 0.64, 0.8, 1),
            Box(0.38, 0.66, 0.79, 0.95, 0.7, 1),
            Box(0.08, 0.49, 0.21, 0.89, 0.3, 0),
        ],
    ];

    [Theory]
    [InlineData(FusionMethod.Nmw, "nmw", 2.0, 1.0)]
    [InlineData(FusionMethod.Nms, "nms", 1.0, 1.0)]
    public void Example_IsThePackages(FusionMethod method, string name, double first, double second)
    {
        var expected = FixtureFile.Json("metrics", "box-fusion.json").GetProperty(name);
        var fused = ResultFusion.Fuse(s_example, [first, second], new ResultFusionOptions(method, 0.5, 1e-4));
        Assert.Equal(expected.GetArrayLength(), fused.Count);
        for (var i = 0; i < fused.Count; i++)
            Assert.Contains(
                fused,
                box =>
                    Math.Abs(box.Score - expected[i][4].GetDouble()) < 1e-6
                    && box.Label == expected[i][5].GetInt32()
                    // Of two boxes with equal scores on one object the package keeps the last, here the first stays.
                    && (Near(box, i) || method == FusionMethod.Nms && expected[i][4].GetDouble() == 0.8)
            );

        bool Near(ScoredBox box, int i) =>
            Math.Abs(box.Corners.X1 - expected[i][0].GetDouble()) < 1e-6
            && Math.Abs(box.Corners.Y1 - expected[i][1].GetDouble()) < 1e-6
            && Math.Abs(box.Corners.X2 - expected[i][2].GetDouble()) < 1e-6
            && Math.Abs(box.Corners.Y2 - expected[i][3].GetDouble()) < 1e-6;
    }

    // Two boxes with IoU 50 / 150 = 1/3: the second scores 0.8 exp(-(1/9) / 0.5).
    [Fact]
    public void SoftNms_LowersScoresByTheOverlap()
    {
        var fused = ResultFusion.Fuse(
            [
                [Box(0, 0, 10, 10, 0.9, 0)],
                [Box(5, 0, 15, 10, 0.8, 0)],
            ],
            [1, 1],
            new ResultFusionOptions(FusionMethod.SoftNms)
        );
        Assert.Equal(
            [0.9, 0.8 * Math.Exp(-1 / 9.0 / 0.5)],
            fused.Select(box => Math.Round(box.Score, 6)),
            (a, b) => Math.Abs(a - b) < 1e-6
        );
    }

    [Theory]
    [InlineData(FusionMethod.Wbf)]
    [InlineData(FusionMethod.Nms)]
    [InlineData(FusionMethod.SoftNms)]
    [InlineData(FusionMethod.Nmw)]
    public void Scores_NeverExceed1_AndBoxesStayInTheUnion(FusionMethod method)
    {
        var random = new Random(3);
        for (var trial = 0; trial < 50; trial++)
        {
            ScoredBox[][] models =
            [
                .. Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, 20).Select(_ => RandomBox(random)).ToArray()),
            ];
            var fused = ResultFusion.Fuse(models, [3, 0.5, 1], new ResultFusionOptions(method, 0.4));
            Assert.NotEmpty(fused);
            Assert.All(
                fused,
                box =>
                {
                    Assert.InRange(box.Score, 0, 1);
                    Assert.InRange(box.Corners.X1, 0, box.Corners.X2);
                    Assert.InRange(box.Corners.X2, box.Corners.X1, 140);
                }
            );
            Assert.Equal(fused.Select(box => box.Score).OrderDescending(), fused.Select(box => box.Score));
        }
    }

    // Columns 0 and 1 of 4 against columns 1 and 2, twice as sure: of one object.
    [Theory]
    [InlineData(FusionMethod.Wbf, 4, 8)]
    [InlineData(FusionMethod.Nms, 4, 8)]
    [InlineData(FusionMethod.Nmw, 4, 8)]
    public void Masks_OfOneObject_VoteOrTheBestStays(FusionMethod method, int outside, int inside)
    {
        var less = Box(0, 0, 2, 4, 0.4, 0) with { Mask = new RunLengthMask(4, 4, [0, 8, 8]) };
        var more = Box(0, 0, 2.2, 4, 0.8, 0) with { Mask = new RunLengthMask(4, 4, [4, 8, 4]) };
        var fused = Assert.Single(
            ResultFusion.Fuse(
                [
                    [less],
                    [more],
                ],
                [1, 1],
                new ResultFusionOptions(method)
            )
        );
        Assert.Equal([outside, inside, 16 - outside - inside], fused.Mask!.Runs);

        var without = ResultFusion.Fuse(
            [
                [less with { Mask = null }],
                [more],
            ],
            [1, 1],
            new ResultFusionOptions(method)
        );
        Assert.Equal(method == FusionMethod.Nms, Assert.Single(without).Mask is not null);
    }

    [Fact]
    public void Masks_OfThree_AreWhereTwoAgree()
    {
        int[][] runs =
        [
            [0, 6, 10],
            [2, 6, 8],
            [4, 6, 6],
        ]; // pixels 0 to 5, 2 to 7, 4 to 9
        var models = runs.Select(counts => new[] { Box(0, 0, 4, 4, 0.5, 0) with { Mask = new RunLengthMask(4, 4, counts) } }).ToArray();
        Assert.Equal([2, 6, 8], Assert.Single(ResultFusion.Fuse(models, [1, 1, 1])).Mask!.Runs);
    }

    private static ScoredBox RandomBox(Random random)
    {
        var (x, y) = (random.NextDouble() * 100, random.NextDouble() * 100);
        return Box(x, y, x + 5 + (random.NextDouble() * 30), y + 5 + (random.NextDouble() * 30), random.NextDouble(), random.Next(2));
    }

    private static ScoredBox Box(double x1, double y1, double x2, double y2, double score, int label) =>
        new((x1, y1, x2, y2), score, label);
}
