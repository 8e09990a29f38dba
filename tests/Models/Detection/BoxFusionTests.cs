using Tessera.Models.Detection;

namespace Tessera.Tests.Models.Detection;

public sealed class BoxFusionTests
{
    /// <summary>The example in the README of the authors' code (Weighted-Boxes-Fusion 1.0): two models, weights 2 and 1, IoU 0.5.</summary>
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

    /// <summary>The values that code gives for its example.</summary>
    [Theory]
    [InlineData(FusedScore.Average, 0.8, 0.733333, 0.466667)]
    [InlineData(FusedScore.BoxAndModelAverage, 0.8, 0.466667, 0.366667)]
    [InlineData(FusedScore.AbsentModelAwareAverage, 0.8, 0.466667, 0.44)]
    [InlineData(FusedScore.Largest, 0.9, 0.8, 0.7)]
    public void Example_IsAsTheAuthorsCodeGivesIt(FusedScore score, double first, double second, double third)
    {
        var fused = BoxFusion.Fuse(s_example, [2, 1], new BoxFusionOptions(0.5, 1e-4, score));
        Assert.Equal([first, second, third], fused.Take(3).Select(box => Math.Round(box.Score, 6)));
        Assert.Equal(fused.Select(box => box.Score).OrderDescending(), fused.Select(box => box.Score));
    }

    [Fact]
    public void Example_BoxesAreMeansWeighedByScore()
    {
        var fused = BoxFusion.Fuse(s_example, [2, 1], new BoxFusionOptions(0.5, 1e-4));
        Assert.Equal((0.106667, 0.316667, 0.713333, 0.62), Rounded(fused[0]));
        Assert.Equal((0.001818, 0.475455, 0.813636, 0.913636), Rounded(fused[1]));
        Assert.Equal((0.03, 0.24, 0.12, 0.35), Rounded(fused[2]));
        Assert.Equal([1, 0, 1], fused.Take(3).Select(box => box.Label));

        static (double, double, double, double) Rounded(ScoredBox box) =>
            (Math.Round(box.Corners.X1, 6), Math.Round(box.Corners.Y1, 6), Math.Round(box.Corners.X2, 6), Math.Round(box.Corners.Y2, 6));
    }

    /// <summary>Corners, not x, y, width and height: two boxes of the same corner and size stay what they are, wherever they lie.</summary>
    [Fact]
    public void SameBoxOfAll_StaysInPixelsAndInScore()
    {
        var box = Box(300, 200, 350, 280, 0.6, 2);
        foreach (var kind in Enum.GetValues<FusedScore>())
        {
            var found = Assert.Single(
                BoxFusion.Fuse(
                    [
                        [box],
                        [box],
                        [box],
                    ],
                    [1, 1, 1],
                    new BoxFusionOptions(Score: kind)
                )
            );
            Assert.Equal((300.0, 200.0, 350.0, 280.0), Round(found.Corners));
            Assert.Equal((0.6, 2), (Math.Round(found.Score, 9), found.Label));
        }

        static (double, double, double, double) Round((double X1, double Y1, double X2, double Y2) corners) =>
            (Math.Round(corners.X1, 9), Math.Round(corners.Y1, 9), Math.Round(corners.X2, 9), Math.Round(corners.Y2, 9));
    }

    [Fact]
    public void BoxOfOneModel_ScoresItsShare()
    {
        Assert.Equal(
            0.2,
            Assert
                .Single(
                    BoxFusion.Fuse(
                        [
                            [Box(0, 0, 2, 2, 0.6, 0)],
                            [],
                            [],
                        ],
                        [1, 1, 1]
                    )
                )
                .Score,
            9
        );
        Assert.Equal(
            0.3,
            Assert
                .Single(
                    BoxFusion.Fuse(
                        [
                            [Box(0, 0, 2, 2, 0.6, 0)],
                            [],
                        ],
                        [1, 1]
                    )
                )
                .Score,
            9
        );
    }

    [Fact]
    public void ClassesAreFusedApart_AndWhatIsUselessIsLeftOut()
    {
        var fused = BoxFusion.Fuse(
            [
                [Box(0, 0, 2, 2, 0.6, 0), Box(0, 0, 2, 2, 0, 0), Box(5, 5, 5, 9, 0.9, 0), Box(double.NaN, 0, 1, 1, 0.9, 0)],
                [Box(0, 0, 2, 2, 0.5, 1), Box(0, 0, 2, 2, 0.05, 0)],
            ],
            [1, 1],
            new BoxFusionOptions(LeastScore: 0.1)
        );
        Assert.Equal([(0, 0.3), (1, 0.25)], fused.Select(box => (box.Label, Math.Round(box.Score, 9))));
    }

    /// <summary>Two boxes of the heavier model on one object would score 0.9 · 2 · 2 / 3 = 1.2.</summary>
    [Fact]
    public void Score_NeverExceedsOne() =>
        Assert.Equal(
            1,
            Assert
                .Single(
                    BoxFusion.Fuse(
                        [
                            [Box(0, 0, 9, 9, 0.9, 0), Box(0, 0, 9, 9, 0.9, 0)],
                            [],
                        ],
                        [2, 1]
                    )
                )
                .Score
        );

    [Fact]
    public void AnyBoxes_GiveFiniteBoxesInside()
    {
        var random = new Random(6);
        for (var run = 0; run < 100; run++)
        {
            ScoredBox[][] models =
            [
                .. Enumerable.Range(0, 3).Select(_ => Enumerable.Range(0, random.Next(8)).Select(_ => Draw()).ToArray()),
            ];
            foreach (var kind in Enum.GetValues<FusedScore>())
            {
                var fused = BoxFusion.Fuse(models, [1, 2, 0.5], new BoxFusionOptions(Score: kind));
                Assert.True(fused.Count <= models.Sum(model => model.Length));
                Assert.All(
                    fused,
                    box =>
                    {
                        Assert.InRange(box.Score, 0, 1);
                        Assert.True(box.Corners.X1 >= 0 && box.Corners.X2 <= 20 && box.Corners.X1 < box.Corners.X2);
                    }
                );
            }
        }
        Assert.Empty(
            BoxFusion.Fuse(
                [
                    [],
                    [],
                ],
                [1, 1]
            )
        );
        Assert.Throws<ArgumentException>(() =>
            BoxFusion.Fuse(
                [
                    [],
                ],
                [1, 1]
            )
        );
        Assert.Throws<ArgumentException>(() =>
            BoxFusion.Fuse(
                [
                    [],
                    [],
                ],
                [0, 0]
            )
        );

        ScoredBox Draw()
        {
            var (x, y) = (random.NextDouble() * 10, random.NextDouble() * 10);
            return Box(x, y, x + (random.NextDouble() * 10), y + (random.NextDouble() * 10), random.NextDouble(), random.Next(2));
        }
    }

    private static ScoredBox Box(double x1, double y1, double x2, double y2, double score, int label) =>
        new((x1, y1, x2, y2), score, label);
}
