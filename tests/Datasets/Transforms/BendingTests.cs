using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>Perspective and elastic fields.</summary>
public class BendingTests
{
    [Fact]
    public void Perspective_WithTheSameCoefficients_EqualsTorchvision()
    {
        var cases = AugmentFixture.Geometry.All("perspective");
        Assert.Equal(18, cases.Length);
        foreach (var entry in cases)
        {
            var image = AugmentFixture.Source(entry);
            double[] c = [.. entry.All("coefficients").Select(value => value.GetDouble())];
            var back = new WayBack(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]);
            byte[] fill = [.. AugmentFixture.Fill(image).Select(value => (byte)value)];
            var actual = PillowWarp.Warp(image, back, image.Height, image.Width, AugmentFixture.Filter(entry), fill);
            Assert.True(entry.Text("digest") == AugmentFixture.Digest(actual), entry.ToString());
        }
    }

    [Fact]
    public void Perspective_FromTheSameCorners_HasTorchvisionsCoefficients()
    {
        foreach (var entry in AugmentFixture.Geometry.All("perspective"))
        {
            (double, double)[] corners = [.. entry.All("corners").Select(corner => (corner[0].GetDouble(), corner[1].GetDouble()))];
            double[] c = [.. entry.All("coefficients").Select(value => value.GetDouble())];
            var (theirs, ours) = (
                new WayBack(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]),
                RandomPerspective.Back(corners, 31, 43)!.Value
            );
            for (var y = 0; y < 31; y += 5)
            {
                for (var x = 0; x < 43; x += 6)
                {
                    var ((ax, ay), (bx, by)) = (theirs.Of(x, y), ours.Of(x, y));
                    var off = 1e-3 * Math.Max(1, Math.Abs(ax) + Math.Abs(ay)); // theirs are of single precision
                    Assert.InRange(bx - ax, -off, off);
                    Assert.InRange(by - ay, -off, off);
                }
            }
        }
    }

    [Fact]
    public void WayBack_Inverse_LeadsBack()
    {
        var way = RandomPerspective.Back([(4, 7), (40, 1), (33, 24), (9, 30)], 31, 43)!.Value;
        var there = way.Inverse();
        foreach (var (x, y) in ((double, double)[])[(4, 7), (12.5, 20.25), (33, 24)])
        {
            var (u, v) = way.Of(x, y);
            Assert.Equal(x, there.Of(u, v).X, 1e-9);
            Assert.Equal(y, there.Of(u, v).Y, 1e-9);
        }
        Assert.Null(RandomPerspective.Back([(0, 0), (10, 0), (20, 0), (5, 9)], 31, 43));
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(1.0)]
    public void Perspective_Drawn_KeepsCornersWithinTheirScale(double scale)
    {
        // A white image on black: the corner pixels' places are where the whole picture's corners go.
        var moved = 0;
        for (var seed = 0; seed < 50; seed++)
        {
            var image = new Image(60, 80, 1);
            image.Bytes.AsSpan().Fill(255);
            var sample = AugmentFixture.Sample(image);
            sample.Truth.Boxes = new Boxes([0, 0, 80, 60], [0], [false]);
            new RandomPerspective(new(scale, 1)).Apply(sample, RandomSource.For(4, 0, seed));
            var (white, box) = (sample.Image!.Decode(), sample.Truth.Boxes.Corners);
            moved += box is [0, 0, 80, 60] ? 0 : 1;
            // White lies within the moved box, and reaches its sides.
            int[] places = [.. Enumerable.Range(0, white.Bytes.Length).Where(i => white.Bytes[i] == 255)];
            var tip = scale == 0.5 ? 3 : 12; // a sharp corner may pass between pixels
            Assert.InRange(places.Min(i => i % 80), box[0] - 1, box[0] + tip);
            Assert.InRange(places.Max(i => i % 80) + 1, box[2] - tip, box[2] + 1);
            Assert.InRange(places.Min(i => i / 80), box[1] - 1, box[1] + tip);
            Assert.InRange(places.Max(i => i / 80) + 1, box[3] - tip, box[3] + 1);
            if (scale == 0.5)
                Assert.Equal(255, white.Bytes[(30 * 80) + 40]); // the middle stays in the picture
        }
        Assert.True(moved > 45);
    }

    [Fact]
    public void Elastic_WithTheSameField_IsWithinOneLevelOfTorchvision()
    {
        var cases = AugmentFixture.Geometry.All("elastic");
        Assert.Equal(8, cases.Length);
        foreach (var entry in cases)
        {
            var image = AugmentFixture.Source(entry);
            var (across, down) = Waves(entry.Number("strength"), image.Height, image.Width);
            byte[] fill = [.. AugmentFixture.Fill(image).Select(value => (byte)value)];
            var nearest = AugmentFixture.Filter(entry) == Interpolation.Nearest;
            var actual = new Displacement(across, down, image.Height, image.Width).Warp(image, nearest, fill);
            // Places are single precision in units of the image's half there, of pixels here.
            Assert.InRange(ImageFixture.LargestDifference(AugmentFixture.Pixels(entry), actual.Bytes), 0, nearest ? 0 : 1);
        }
    }

    /// <summary>The script's field in pixels.</summary>
    private static (float[] Across, float[] Down) Waves(double strength, int height, int width)
    {
        var (across, down) = (new float[height * width], new float[height * width]);
        for (var i = 0; i < across.Length; i++)
        {
            var (x, y) = (i % width, i / width);
            across[i] = (float)(strength * Math.Sin((0.31 * x) + (0.17 * y))) * width / 2;
            down[i] = (float)(strength * Math.Cos((0.23 * x) - (0.29 * y))) * height / 2;
        }
        return (across, down);
    }

    [Fact]
    public void Elastic_Boxes_AreThoseAroundTheBentRectangles()
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var sample = TestScene.Create();
            new ElasticTransform(new([120], [8])).Apply(sample, RandomSource.For(2, 0, seed));
            for (var i = 0; i < sample.Truth.Boxes!.Count; i++)
            {
                var (box, mask) = (sample.Truth.Boxes.Corners.AsSpan(i * 4, 4).ToArray(), sample.Truth.InstanceMasks![i]);
                int[] places = [.. Enumerable.Range(0, mask.Bytes.Length).Where(p => mask.Bytes[p] != 0)];
                Assert.InRange(places.Min(p => p % 80), box[0] - 1.5, box[0] + 1.5);
                Assert.InRange(places.Max(p => p % 80) + 1, box[2] - 1.5, box[2] + 1.5);
                Assert.InRange(places.Min(p => p / 80), box[1] - 1.5, box[1] + 1.5);
                Assert.InRange(places.Max(p => p / 80) + 1, box[3] - 1.5, box[3] + 1.5);
            }
        }
    }

    [Fact]
    public void Elastic_Field_HasTheSpreadOfSmoothedNoise()
    {
        // Uniform noise of [-1, 1] has the deviation 1 / √3; a Gaussian of s pixels leaves 1 / (2 √π s) of it; alpha 300 and a square image make
        // 150 pixels of 1. A ramp of x measures shifts in nearest mode.
        var image = new Image(200, 200, 1, PixelType.Float32);
        for (var i = 0; i < 200 * 200; i++)
            image.Pixels<float>()[i] = i % 200;
        var shifts = new List<double>();
        for (var seed = 0; seed < 4; seed++)
        {
            var sample = AugmentFixture.Sample(image);
            new ElasticTransform(new([300], [4])).Apply(sample, RandomSource.For(2, 1, seed));
            var bent = sample.Image!.Decode().Pixels<float>().ToArray();
            for (var y = 40; y < 160; y++)
            for (var x = 40; x < 160; x++)
                shifts.Add(bent[(y * 200) + x] - x);
        }
        var expected = 150 / Math.Sqrt(3) / (2 * Math.Sqrt(Math.PI) * 4);
        Assert.InRange(Math.Sqrt(shifts.Average(shift => shift * shift)), 0.9 * expected, 1.1 * expected);
    }

    [Fact]
    public void Elastic_OptionsOfNoUse_AreRefused()
    {
        Assert.Equal(
            "ElasticTransform: there is no Bicubic filter. There are nearest and bilinear.",
            Assert.Throws<UserErrorException>(() => new ElasticTransform(new(Interpolation: Interpolation.Bicubic))).Message
        );
        Assert.Equal(
            "ElasticTransform: sigma -1 is not from 0 to 100.",
            Assert.Throws<UserErrorException>(() => new ElasticTransform(new(Sigma: [-1]))).Message
        );
        Assert.Equal(
            "ElasticTransform: alpha 10, NaN is not from 0 to 1000000.",
            Assert.Throws<UserErrorException>(() => new ElasticTransform(new([10, double.NaN]))).Message
        );
    }
}
