using Tessera.Models.Generation;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Generation;

public sealed class MinibatchDeviationTests
{
    /// <summary>Six images in groups of four at most: of three, as six is no multiple of four. Images 0, 2, 4 are one group, 1, 3, 5 the
    /// other.</summary>
    [Fact]
    public void Groups_get_the_mean_deviation_of_their_features()
    {
        using var scope = NewDisposeScope();
        using var layer = new MinibatchDeviation(4);
        var features = Formula.Values("images", 6, 2, 2, 3);
        var found = layer.call(features);
        Assert.Equal([6, 3, 2, 3], found.shape);
        Assert.Equal(features.Values<float>().ToArray(), found.slice(1, 0, 2, 1).contiguous().Values<float>().ToArray());
        var values = features.Values<float>().Chunk(12).ToArray();
        double[] expected = [Deviation(values[0], values[2], values[4]), Deviation(values[1], values[3], values[5])];
        var channel = found.slice(1, 2, 3, 1).contiguous().Values<float>().Chunk(6).ToArray();
        for (var image = 0; image < 6; image++)
            Assert.All(channel[image], value => Assert.Equal(expected[image % 2], value, 1e-5));
    }

    [Fact]
    public void Alike_images_have_no_deviation()
    {
        using var scope = NewDisposeScope();
        using var layer = new MinibatchDeviation(4);
        var found = layer.call(Formula.Values("images", 1, 2, 2, 2).expand(4, 2, 2, 2));
        Assert.All(found.slice(1, 2, 3, 1).contiguous().Values<float>().ToArray(), value => Assert.Equal(1e-4f, value, 1e-6f)); // sqrt(eps)
    }

    [Theory]
    [InlineData(DiscriminatorNorm.Batch)]
    [InlineData(DiscriminatorNorm.Spectral)]
    public void Discriminator_sees_whether_its_images_differ(DiscriminatorNorm norm)
    {
        using var scope = NewDisposeScope();
        using var plain = Formula.Fill(new DcganDiscriminator(new(16, 4, Norm: norm)));
        using var grouped = Formula.Fill(new DcganDiscriminator(new(16, 4, Norm: norm, MinibatchStd: 4)));
        plain.eval();
        grouped.eval();
        var images = Formula.Values("images", 4, 3, 16, 16);
        var alike = images.slice(0, 0, 1, 1).expand(4, 3, 16, 16);
        Assert.Equal(0, Difference(plain, images, alike), 1e-6);
        Assert.InRange(Difference(grouped, images, alike), 1e-5, double.MaxValue);
    }

    /// <summary>Of the first image's map, by the company it is judged in.</summary>
    private static double Difference(DcganDiscriminator discriminator, Tensor images, Tensor alike)
    {
        var (first, second) = (discriminator.call(images).slice(0, 0, 1, 1), discriminator.call(alike).slice(0, 0, 1, 1));
        return first.contiguous().Values<float>().Zip(second.contiguous().Values<float>(), (a, b) => Math.Abs(a - b)).Max();
    }

    private static double Deviation(params float[][] group)
    {
        var sum = 0.0;
        for (var i = 0; i < group[0].Length; i++)
        {
            var mean = group.Average(image => image[i]);
            sum += Math.Sqrt(group.Average(image => Math.Pow(image[i] - mean, 2)) + 1e-8);
        }
        return sum / group[0].Length;
    }
}
