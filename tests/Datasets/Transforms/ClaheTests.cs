using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class ClaheTests
{
    [Fact]
    public void Apply_AgreesWithOpenCv()
    {
        var cases = AugmentFixture.Geometry.All("clahe");
        Assert.Equal(9, cases.Length);
        foreach (var entry in cases)
        {
            var tiles = entry.All("tiles");
            var channels = Enum.Parse<ClaheChannels>(entry.Text("channels"));
            var options = new ClaheOptions([entry.Number("limit")], new HeightWidth(tiles[0].GetInt32(), tiles[1].GetInt32()), channels);
            var actual = new Clahe(options).Apply(AugmentFixture.Sample(AugmentFixture.Source(entry)), new RandomSource(1)).Image!.Decode();
            var largest = ImageFixture.LargestDifference(AugmentFixture.Pixels(entry), actual.Bytes);
            // L*a*b* is rounded to 8 bits on its way, one level of L is up to three of a dark blue.
            Assert.True(largest <= (channels == ClaheChannels.Lightness ? 3 : 0), $"{largest}: {entry.GetProperty("tiles")} {channels}");
        }
    }

    [Fact]
    public void Apply_ClipLimitOfTwoNumbers_DrawsBetweenThem()
    {
        var image = AugmentFixture.Rgb;
        Image With(double[] limit, ulong seed) =>
            new Clahe(new(limit, new HeightWidth(1, 1))).Apply(AugmentFixture.Sample(image), new RandomSource(seed)).Image!.Decode();
        Assert.Equal(With([30], 1).Bytes, With([30, 30], 2).Bytes);
        Assert.Equal(4, Enumerable.Range(0, 4).Select(seed => AugmentFixture.Digest(With([1, 20], (ulong)seed))).Distinct().Count());
    }

    [Fact]
    public void Options_OfNoUse_AreRefused()
    {
        Assert.Equal(
            "Clahe: clip_limit 4, 2 must rise and lie between 0 and 1000000.",
            Assert.Throws<UserErrorException>(() => new Clahe(new([4, 2]))).Message
        );
        Assert.Equal(
            "Clahe: tile_grid_size 8, 300 is not from 1 to 256.",
            Assert.Throws<UserErrorException>(() => new Clahe(new(TileGridSize: new HeightWidth(8, 300)))).Message
        );
    }
}
