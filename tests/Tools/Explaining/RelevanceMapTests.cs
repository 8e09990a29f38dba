using System.Numerics;
using Tessera.Explaining;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Explaining;

public sealed class RelevanceMapTests
{
    private static readonly RelevanceMap s_map = new(2, 2, [1, 2, 3, 4]);

    [Fact]
    public void OfItsOwnSize_IsItself() => Assert.Equal(s_map.Values, s_map.On(Geometry.Original(2, 2), 2, 2).Values);

    [Fact]
    public void Flipped_IsFlippedBack()
    {
        // x' = 2 - x
        var geometry = Geometry.Original(2, 2).Then(new Matrix3x2(-1, 0, 0, 1, 2, 0));
        Assert.Equal([2, 1, 4, 3], s_map.On(geometry, 2, 2).Values);
    }

    [Fact]
    public void Shrunk_IsEnlargedBilinearly()
    {
        // An original of 4 x 4 seen as 2 x 2; along a row, pixel centres 0.5, 1.5, 2.5, 3.5 lie at 0.25, 0.75, 1.25, 1.75 of the map,
        // whose centres are 0.5 and 1.5: shares 0, 0.25, 0.75, 1 of the second value.
        var map = s_map.On(Geometry.Original(4, 4).Then(Matrix3x2.CreateScale(0.5f)), 4, 4);
        Assert.Equal([1, 1.25f, 1.75f, 2], map.Values[..4]);
        Assert.Equal([1.5f, 1.75f, 2.25f, 2.5f], map.Values[4..8]);
        Assert.Equal([3, 3.25f, 3.75f, 4], map.Values[12..]);
    }

    [Fact]
    public void CroppedAway_IsNotKnown()
    {
        // Of 4 columns the middle two were cut out: x' = x - 1.
        var map = s_map.On(Geometry.Original(2, 4).Then(Matrix3x2.CreateTranslation(-1, 0)), 2, 4);
        Assert.Equal([float.NaN, 1, 2, float.NaN, float.NaN, 3, 4, float.NaN], map.Values);
        Assert.Equal((1, 4), (map.Least, map.Greatest));
    }

    [Fact]
    public void Names_WithCommas_AreFound() =>
        Assert.Equal(
            ["tench, Tinca tinca", "top1", "goldfish"],
            TargetNames.Split("tench, Tinca tinca, top1,goldfish", ["goldfish", "tench, Tinca tinca"])
        );
}
