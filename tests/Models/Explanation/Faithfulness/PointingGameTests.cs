using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Models.Explanation.Faithfulness;

namespace Tessera.Tests.Models.Explanation.Faithfulness;

public sealed class PointingGameTests
{
    [Fact]
    public void By_hand()
    {
        bool[] truth = [true, true, false, false, false];
        Assert.Equal(3.0 / 8, PointingGame.Energy([1, 2, 0, 4, 1], truth), 1e-12);
        Assert.Equal(0, PointingGame.Hit([1, 2, 0, 4, 1], truth));
        Assert.Equal(1, PointingGame.Hit([1, 4, 0, 2, 1], truth));
        Assert.Equal(0.5, PointingGame.Hit([4, 1, 0, 4, 1], truth)); // two highest places, one inside
        Assert.Equal(0.4, PointingGame.Area(truth), 1e-12);
        Assert.Equal(0.4, PointingGame.Energy(new float[5], truth), 1e-12); // a map that says nothing
        Assert.Equal(0.4, PointingGame.Hit(new float[5], truth), 1e-12);
    }

    [Theory]
    [InlineData(0)] // independent pixels
    [InlineData(7)] // the control's grid
    [InlineData(3)]
    public void A_random_map_has_the_areas_share_of_energy(int grid)
    {
        const int side = 21,
            draws = 4000;
        var truth = new bool[side * side];
        for (var i = 0; i < truth.Length; i++)
            truth[i] = i / side < 9 && i % side < 14; // from a corner: borders count as much as the middle
        var random = new RandomSource(11);
        var energies = new double[draws];
        for (var n = 0; n < draws; n++)
        {
            var map = grid == 0 ? [.. truth.Select(_ => (float)random.NextDouble())] : RandomMap.Of(side, side, grid, random);
            energies[n] = PointingGame.Energy(map, truth);
        }
        var mean = energies.Average();
        var deviation = Math.Sqrt(energies.Average(value => (value - mean) * (value - mean)) / draws);
        Assert.InRange(mean, PointingGame.Area(truth) - (4 * deviation), PointingGame.Area(truth) + (4 * deviation));
    }

    [Fact]
    public void The_truth_is_the_classs_masks_and_boxes_where_there_are_none()
    {
        var boxes = new Boxes([0, 0, 2, 1, 1, 1, 3, 2, 0, 0, 3, 3], [4, 5, 4], [false, false, true]);
        var truth = new GroundTruth { Boxes = boxes };
        Assert.Equal([true, true, false, false, false, false, false, false, false], TruthRegion.Of(truth, 4, 3, 3)!);
        Assert.Equal([false, false, false, false, true, true, false, false, false], TruthRegion.Of(truth, 5, 3, 3)!);
        Assert.Null(TruthRegion.Of(truth, 6, 3, 3));
        Assert.Null(TruthRegion.Of(new GroundTruth(), 4, 3, 3));

        truth.InstanceMasks = [new Image(3, 3, 1, PixelType.UInt8, [1, 0, 0, 0, 0, 0, 0, 0, 0]), new Image(3, 3, 1), new Image(3, 3, 1)];
        Assert.Equal([true, false, false, false, false, false, false, false, false], TruthRegion.Of(truth, 4, 3, 3)!);
        Assert.Null(TruthRegion.Of(truth, 5, 3, 3)); // nothing of it is visible
        var error = Assert.Throws<UserErrorException>(() => TruthRegion.Of(truth, 4, 6, 6));
        Assert.Contains("3 x 3 and the image that is explained 6 x 6", error.Message, StringComparison.Ordinal);
    }
}
