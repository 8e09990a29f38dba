using Tessera.Models.Generation;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Generation;

[Collection(ProcessWide.Name)]
public sealed class DiffAugmentTests
{
    private static readonly DiffAugmentOptions Nothing = new(0, 0, 0, 0, 0);

    [Fact]
    public void Ranges_OfZero_ChangeNothing()
    {
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 3, 3, 8, 6);
        Assert.True(new DiffAugment(Nothing).Apply(images).equal(images).all().ToBoolean());
    }

    [Fact]
    public void Brightness_AddsOneNumberToEachImage()
    {
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 64, 3, 4, 4);
        var added = (new DiffAugment(Nothing with { Brightness = 0.5 }).Apply(images) - images).reshape(64, -1);
        Assert.True((added.amax([1]) - added.amin([1])).max().ToDouble() < 1e-5);
        var each = added.mean([1]).Values<float>();
        Assert.True(each.Max() is > 0.3f and <= 0.5f && each.Min() is < -0.3f and >= -0.5f);
    }

    [Fact]
    public void SaturationAndContrast_KeepTheirMeans()
    {
        using var scope = NewDisposeScope();
        var images = Formula.Values("images", 32, 3, 4, 4);
        var saturated = new DiffAugment(Nothing with { Saturation = 1 }).Apply(images);
        Assert.True((saturated.mean([1]) - images.mean([1])).abs().max().ToDouble() < 1e-5);
        var contrasted = new DiffAugment(Nothing with { Contrast = 0.5 }).Apply(images);
        Assert.True((contrasted.mean([1, 2, 3]) - images.mean([1, 2, 3])).abs().max().ToDouble() < 1e-5);
        // Every distance from the mean is multiplied by the same factor, 0.5 to 1.5.
        var centred = images - images.mean([1, 2, 3], keepdim: true);
        var factors = ((contrasted - contrasted.mean([1, 2, 3], keepdim: true)) / centred).reshape(32, -1);
        var first = factors.Values<float>().Chunk(48).Select(row => row.Order().ElementAt(24)).ToArray();
        Assert.All(first, factor => Assert.InRange(factor, 0.499f, 1.501f));
        Assert.True(first.Max() - first.Min() > 0.5f);
    }

    [Fact]
    public void Translation_ShiftsByUpToAnEighthAndFillsWithZeros()
    {
        using var scope = NewDisposeScope();
        var images = ones(200, 1, 16, 16) + arange(16).reshape(1, 1, 1, 16) + 100 * arange(16).reshape(1, 1, 16, 1);
        var moved = new DiffAugment(Nothing with { Translation = 0.125 }).Apply(images);
        var seen = new HashSet<(int, int)>();
        foreach (var image in moved.Values<float>().Chunk(256))
        {
            // The pixel at (8, 8) is 1 + x + 100 y of where it came from.
            var (y, x) = Math.DivRem((int)image[(8 * 16) + 8] - 1, 100);
            seen.Add((y - 8, x - 8));
            for (var row = 0; row < 16; row++)
            for (var column = 0; column < 16; column++)
            {
                var (fromRow, fromColumn) = (row + y - 8, column + x - 8);
                var inside = fromRow is >= 0 and < 16 && fromColumn is >= 0 and < 16;
                Assert.Equal(inside ? 1 + fromColumn + (100 * fromRow) : 0, image[(row * 16) + column]);
            }
        }
        Assert.Equal(25, seen.Count); // -2 to 2 each way
    }

    [Fact]
    public void Cutout_SetsASquareToZero_ThatMayLiePartlyOutside()
    {
        using var scope = NewDisposeScope();
        var cut = new DiffAugment(Nothing with { Cutout = 0.5 }).Apply(ones(300, 1, 8, 8));
        var sizes = new HashSet<int>();
        foreach (var image in cut.Values<float>().Chunk(64))
        {
            var zeros = Enumerable.Range(0, 64).Where(i => image[i] == 0).ToArray();
            var (rows, columns) = (zeros.Select(i => i / 8).Distinct().ToArray(), zeros.Select(i => i % 8).Distinct().ToArray());
            Assert.Equal(zeros.Length, rows.Length * columns.Length); // a rectangle
            Assert.InRange(rows.Length, 2, 4); // its middle lies in the image or at its edge
            sizes.Add(zeros.Length);
        }
        Assert.Contains(16, sizes);
        Assert.Contains(4, sizes);
    }

    [Fact]
    public void Gradient_IsThatOfFiniteDifferences()
    {
        using var scope = NewDisposeScope();
        var augment = new DiffAugment(new());
        var start = Formula.Values("images", 2, 3, 6, 6).to(ScalarType.Float64);
        var weights = Formula.Values("images", 2, 3, 6, 6).to(ScalarType.Float64).flip(0);
        Tensor Total(Tensor x)
        {
            random.manual_seed(3);
            return (augment.Apply(x).square() * weights).sum();
        }
        var images = start.clone().requires_grad_();
        Total(images).backward();
        var gradient = images.grad!.flatten().Values<double>();
        for (var i = 0; i < gradient.Length; i += 5)
        {
            double At(double by)
            {
                var values = start.flatten().Values<double>();
                values[i] += by;
                return Total(tensor(values).reshape(start.shape)).ToDouble();
            }
            Assert.Equal((At(1e-5) - At(-1e-5)) / 2e-5, gradient[i], 1e-5);
        }
    }
}
