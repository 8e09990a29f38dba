using Tessera.Models.Detection;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Assigners;
using Tessera.Models.Detection.Heads;
using static Tessera.Tests.Models.Detection.AssignmentDefinitions;

namespace Tessera.Tests.Models.Detection;

public sealed class AssignerTests
{
    [Theory]
    [InlineData(LowQuality.Box, true)]
    [InlineData(LowQuality.Box, false)]
    [InlineData(LowQuality.Nearest, true)]
    public void MaxIou_RandomBoxes_EqualsTheWholeMatrix(LowQuality to, bool all)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var truth = Truth(seed, 1 + seed % 7);
            var options = new MaxIouAssignerOptions(0.5, 0.3, 0.1, true, all, to);
            Assert.Equal(MaxIouByMatrix(truth.Boxes, options), new MaxIouAssigner(options).Assign(Grid, truth));
        }
    }

    [Fact]
    public void MaxIou_NoLowQuality_LeavesSmallBoxesUnmatched()
    {
        var tiny = new TruthBoxes(BoxArray.Of([10, 10, 12, 12]), [0], BoxArray.Empty);
        Assert.All(
            new MaxIouAssigner(new(MatchLowQuality: false)).Assign(Grid, tiny),
            assigned => Assert.Equal(Assigner.Background, assigned)
        );
        Assert.Contains(0, new MaxIouAssigner(new()).Assign(Grid, tiny));
        Assert.DoesNotContain(0, new MaxIouAssigner(new(MinPosIou: 0.2)).Assign(Grid, tiny));
    }

    [Fact]
    public void MaxIou_BoxFarOutside_GetsNoAnchor() =>
        Assert.All(
            new MaxIouAssigner(new()).Assign(Grid, new TruthBoxes(BoxArray.Of([9000, 9000, 9100, 9100]), [0], BoxArray.Empty)),
            assigned => Assert.Equal(Assigner.Background, assigned)
        );

    [Fact]
    public void Atss_RandomBoxes_EqualsTheObviousForm()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var truth = Truth(seed, 1 + seed % 5);
            Assert.Equal(AtssByDefinition(truth.Boxes, 9), new AtssAssigner(new()).Assign(Grid, truth));
        }
    }

    [Theory]
    [InlineData("max_iou")]
    [InlineData("atss")]
    public void Assign_NothingToFind_IsAllBackground(string which) =>
        Assert.All(
            Of(which).Assign(Grid, new TruthBoxes(BoxArray.Empty, [], BoxArray.Empty)),
            assigned => Assert.Equal(Assigner.Background, assigned)
        );

    [Theory]
    [InlineData("max_iou")]
    [InlineData("atss")]
    public void Assign_AnchorsInACrowd_AreAskedNothing(string which)
    {
        // The crowd is the left half of the image: anchors more than half inside are out, whatever box they'd find.
        var crowd = new TruthBoxes(BoxArray.Of([4, 4, 24, 24]), [0], BoxArray.Of([-100, -100, 28, 200]));
        var assigned = Of(which).Assign(Grid, crowd);
        for (var i = 0; i < assigned.Length; i++)
        {
            var (x1, y1, x2, y2) = Box(Grid.Boxes, i);
            var inside =
                Math.Max(0, Math.Min(x2, 28) - Math.Max(x1, -100))
                    * Math.Max(0, Math.Min(y2, 200) - Math.Max(y1, -100))
                    / ((x2 - x1) * (y2 - y1))
                > 0.5;
            if (inside)
                Assert.Equal(Assigner.Ignored, assigned[i]);
        }
        var heeding = Of(which);
        heeding.IgnoreIofThr = -1;
        Assert.Contains(0, heeding.Assign(Grid, crowd));
    }

    /// <summary>
    /// A box lies over one anchor, and less over its neighbour; the first anchor lies in a crowd. Taken out before, the
    /// neighbour is the box's best, low quality or not; taken out after, the box gets no anchor.
    /// </summary>
    [Fact]
    public void MaxIou_BestAnchorInACrowd_GivesTheBoxItsNextBest()
    {
        // [0 16], [16 32], [32 48]
        var grid = new AnchorGenerator(new(Scales: [1], Ratios: [1], CenterOffset: 0.5), new Source([16])).Generate([(1, 3)], (16, 48));
        var truth = new TruthBoxes(BoxArray.Of([2, 0, 22, 16]), [0], BoxArray.Of([-4, 0, 14, 16])); // IoU 14/22 and 6/30
        Assert.Equal([Assigner.Ignored, 0, Assigner.Background], new MaxIouAssigner(new()).Assign(grid, truth));
        Assert.Equal(
            [Assigner.Ignored, Assigner.Background, Assigner.Background],
            new MaxIouAssigner(new()) { IgnoreWhen = IgnoreWhen.AfterMatching }.Assign(grid, truth)
        );
        Assert.Equal(
            [Assigner.Ignored, Assigner.Background, Assigner.Background],
            new MaxIouAssigner(new(MatchLowQuality: false)).Assign(grid, truth)
        );
        // Of the two nearest anchors, one is no candidate: the other's overlap is its own threshold.
        Assert.Equal(
            0,
            new AtssAssigner(new(1)).Assign(grid, new TruthBoxes(BoxArray.Of([2, 0, 28, 16]), [0], BoxArray.Of([-4, 0, 14, 16])))[1]
        );
    }

    [Fact]
    public void Assign_ThousandsOfBoxes_StaysInMemory()
    {
        var grid = new AnchorGenerator(new(), new Source([8, 16, 32, 64, 128])).Generate(
            [(40, 54), (20, 27), (10, 14), (5, 7), (3, 4)],
            (320, 426)
        );
        var truth = Truth(3, 600, 300);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var assigned = new MaxIouAssigner(new()).Assign(grid, truth);
        // The matrix would take 600 x 26,000 x 4 bytes = 62 MB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
        Assert.Contains(assigned, box => box >= 0);
    }

    [Fact]
    public void Points_RandomBoxes_EqualTheDefinition()
    {
        int[] strides = [8, 16, 32];
        var places = new AnchorGenerator(new(Scales: [1], Ratios: [1], CenterOffset: 0.5), new Source(strides)).Generate(
            [(9, 7), (5, 4), (3, 2)],
            (72, 56)
        );
        (float, float)[] ranges = [(0, 16), (16, 32), (32, float.PositiveInfinity)];
        foreach (var radius in new double?[] { null, 1.5 })
        {
            for (var seed = 0; seed < 20; seed++)
            {
                var truth = Truth(seed, 1 + seed % 6);
                Assert.Equal(
                    PointsByDefinition(places, truth.Boxes, ranges, strides, radius),
                    new PointAssignment(ranges, strides, radius).Assign(places, truth)
                );
            }
        }
    }

    private static Assigner Of(string which) => which == "atss" ? new AtssAssigner(new()) : new MaxIouAssigner(new());

    private static TruthBoxes Truth(int seed, int count, int extent = 60)
    {
        var random = new Random(seed);
        var corners = new List<float>();
        for (var i = 0; i < count; i++)
        {
            var (x, y) = (random.Next(extent) - 5, random.Next(extent) - 5);
            corners.AddRange([x, y, x + 1 + random.Next(45), y + 1 + random.Next(45)]);
        }
        return new TruthBoxes(BoxArray.Of(corners.ToArray()), [.. Enumerable.Range(0, count).Select(i => i % 3)], BoxArray.Empty);
    }
}
