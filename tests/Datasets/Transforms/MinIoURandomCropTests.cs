using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>Crops by a least IoU, by their properties and their shares.</summary>
public sealed class MinIoURandomCropTests
{
    private const int Height = 80;
    private const int Width = 100;

    /// <summary>Pixel (y, x) has the values y and x, so that a crop tells where it was.</summary>
    private static Sample Image(params float[] corners)
    {
        var image = new Image(Height, Width, 2);
        for (var i = 0; i < Height * Width; i++)
            (image.Bytes[2 * i], image.Bytes[2 * i + 1]) = ((byte)(i / Width), (byte)(i % Width));
        var count = corners.Length / 4;
        return new Sample
        {
            Index = 0,
            Name = "grid",
            Image = new(image),
            Truth = new GroundTruth { Boxes = new Boxes(corners, [.. Enumerable.Range(0, count)], new bool[count]) },
        };
    }

    private static (int Top, int Left, int Height, int Width) Place(Sample sample)
    {
        var image = sample.Image!.Decode();
        Assert.Equal(image.Bytes[0] + image.Height - 1, image.Bytes[^2]);
        Assert.Equal(image.Bytes[1] + image.Width - 1, image.Bytes[^1]);
        return (image.Bytes[0], image.Bytes[1], image.Height, image.Width);
    }

    private static double IoU(float[] box, (int Top, int Left, int Height, int Width) crop)
    {
        var both =
            Math.Max(0, Math.Min(box[2], crop.Left + crop.Width) - Math.Max(box[0], crop.Left))
            * Math.Max(0, Math.Min(box[3], crop.Top + crop.Height) - Math.Max(box[1], crop.Top));
        return both / ((box[2] - box[0]) * (box[3] - box[1]) + (double)crop.Height * crop.Width - both);
    }

    [Fact]
    public void Boxes_AreThoseWhoseMiddleIsInside_CutAndMoved()
    {
        var step = new MinIoURandomCrop(new([0.1, 0.3]));
        var random = new Random(1);
        var crops = 0;
        for (var seed = 0UL; seed < 300; seed++)
        {
            var boxes = Enumerable.Range(0, 4).Select(_ => Box(random)).ToArray();
            var before = boxes.SelectMany(box => box).ToArray();
            var sample = step.Apply(Image(before), new RandomSource(seed));
            var crop = Place(sample);
            if ((crop.Height, crop.Width) == (Height, Width))
            {
                Assert.Equal(before, sample.Truth.Boxes!.Corners);
                continue;
            }
            crops++;
            // Whole pixels may make the ratio and the share a little less than what was drawn.
            Assert.InRange((double)crop.Height / crop.Width, 0.48, 2.1);
            Assert.InRange(crop.Height, (0.3 * Height) - 1, Height);
            Assert.InRange(crop.Width, (0.3 * Width) - 1, Width);
            var inside = boxes
                .Select((box, i) => (box, i, X: (box[0] + box[2]) / 2 - crop.Left, Y: (box[1] + box[3]) / 2 - crop.Top))
                .Where(entry => entry.X > 0 && entry.X < crop.Width && entry.Y > 0 && entry.Y < crop.Height)
                .ToArray();
            Assert.NotEmpty(inside);
            Assert.Equal(inside.Select(entry => entry.i), sample.Truth.Boxes!.Labels);
            Assert.Equal(
                inside.SelectMany(entry =>
                    (float[])
                        [
                            Math.Clamp(entry.box[0] - crop.Left, 0, crop.Width),
                            Math.Clamp(entry.box[1] - crop.Top, 0, crop.Height),
                            Math.Clamp(entry.box[2] - crop.Left, 0, crop.Width),
                            Math.Clamp(entry.box[3] - crop.Top, 0, crop.Height),
                        ]
                ),
                sample.Truth.Boxes.Corners
            );
        }
        Assert.InRange(crops, 150, 290);
    }

    private static float[] Box(Random random)
    {
        var (x, y) = (random.Next(Width - 30), random.Next(Height - 30));
        return [x, y, x + random.Next(5, 30), y + random.Next(5, 30)];
    }

    /// <summary>One box: a third of the images stay, a third keep the bound, the last third may have any crop.</summary>
    [Theory]
    [InlineData(CropOverlap.Every)]
    [InlineData(CropOverlap.Any)]
    public void Draws_AreOfTheBounds_AndOfNone(CropOverlap overlap)
    {
        float[] box = [20, 15, 85, 70];
        var (whole, bound) = Counts(0.5);
        var (_, unbound) = Counts(0); // some happen to keep it
        Assert.InRange(whole, 160, 240);
        Assert.InRange(bound - (unbound / 2), 170, 230);

        (int Whole, int Bound) Counts(double least)
        {
            var step = new MinIoURandomCrop(new([least], OverlapOf: overlap));
            var crops = Enumerable.Range(0, 600).Select(seed => Place(step.Apply(Image(box), new RandomSource((ulong)seed)))).ToArray();
            var cut = crops.Where(crop => (crop.Height, crop.Width) != (Height, Width)).ToArray();
            return (crops.Length - cut.Length, cut.Count(crop => IoU(box, crop) >= 0.5));
        }
    }

    /// <summary>Two boxes far from one another: no crop has an IoU of 0.5 with both, many have with one.</summary>
    [Fact]
    public void Every_AsksAllBoxes_AnyOne()
    {
        float[] first = [2, 2, 42, 42],
            second = [70, 50, 98, 78];
        Assert.InRange(Bound(CropOverlap.Every), 0, 20); // of the crops without a bound
        Assert.InRange(Bound(CropOverlap.Any), 100, 300);

        int Bound(CropOverlap overlap)
        {
            var step = new MinIoURandomCrop(new([0.6, 0.6, 0.6, 0.6], OverlapOf: overlap));
            return Enumerable
                .Range(0, 400)
                .Select(seed => Place(step.Apply(Image([.. first, .. second]), new RandomSource((ulong)seed))))
                .Count(crop => IoU(first, crop) >= 0.6);
        }
    }

    [Fact]
    public void NoBoxes_AndIgnoredOnes_BindNothing()
    {
        var step = new MinIoURandomCrop(new());
        var ignored = Image(10, 10, 50, 50);
        ignored.Truth.Boxes = ignored.Truth.Boxes! with { Ignored = [true] };
        for (var seed = 0UL; seed < 20; seed++)
        {
            Assert.Equal((0, 0, Height, Width), Place(step.Apply(Image(), new RandomSource(seed))));
            Assert.Equal((0, 0, Height, Width), Place(step.Apply(ignored, new RandomSource(seed))));
        }
        Assert.Equal((0, 0, Height, Width), Place(new MinIoURandomCrop(new(Prob: 0)).Apply(Image(10, 10, 50, 50), new RandomSource(1))));
        Assert.Contains(
            "min_ious has 1.5",
            Assert.Throws<UserErrorException>(() => new MinIoURandomCrop(new([1.5]))).Message,
            StringComparison.Ordinal
        );
    }
}
