using Tessera.Datasets.Images;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class ColorOperationsTests
{
    private static readonly byte[] Expected = ImageFixture.Inflate("colour.raw");
    private static readonly Image Source = ImageCodec.Load(ImageFixture.Path("colour-source.png"));

    public static TheoryData<string, double, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, double, int>();
            foreach (var entry in FixtureFile.Json("images", "colour.json").EnumerateArray())
            {
                if (entry.GetProperty("step").GetString() != "dull")
                    cases.Add(
                        entry.GetProperty("step").GetString()!,
                        entry.GetProperty("value").GetDouble(),
                        entry.GetProperty("offset").GetInt32()
                    );
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Operation_EqualsPillow(string step, double value, int offset)
    {
        var actual = step switch
        {
            "brightness" => ColorOperations.Brightness(Source, value),
            "contrast" => ColorOperations.Contrast(Source, value),
            "saturation" => ColorOperations.Saturation(Source, value),
            "sharpness" => ColorOperations.Sharpness(Source, value),
            "hue" => ColorOperations.Hue(Source, value),
            "posterize" => ColorOperations.Posterize(Source, Math.Max(1, (int)value)),
            "solarize" => ColorOperations.Solarize(Source, value),
            "autocontrast" => ColorOperations.AutoContrast(Source),
            "autocontrast-dull" => ColorOperations.AutoContrast(Dull()),
            "equalize" => ColorOperations.Equalize(Source),
            "equalize-dull" => ColorOperations.Equalize(Dull()),
            "invert" => ColorOperations.Invert(Source),
            "grayscale" => ColorOperations.Grayscale(Source),
            _ => throw new InvalidOperationException(step),
        };
        var expected = Expected.AsSpan(offset, Source.Bytes.Length).ToArray();
        if (step == "hue")
        {
            // HSV in 8 bits: OpenCV rounds where Pillow truncates.
            Assert.InRange(Enumerable.Range(0, expected.Length).Average(i => Math.Abs(expected[i] - actual.Bytes[i])), 0, 3);
            Assert.InRange(ImageFixture.LargestDifference(expected, actual.Bytes), 0, 14);
        }
        else
        {
            Assert.InRange(ImageFixture.LargestDifference(expected, actual.Bytes), 0, step is "sharpness" ? 1 : 0);
        }
    }

    [Fact]
    public void ShiftHsv_ByHand()
    {
        // Gray has no saturation: only the value counts. Pure red (0, 255, 255) loses 155 of its value; a third of a turn makes it green.
        var image = new Image(1, 2, 3, PixelType.UInt8, [100, 100, 100, 255, 0, 0]);
        Assert.Equal([110, 110, 110, 255, 0, 0], ColorOperations.ShiftHsv(image, 0, 0, 10).Bytes);
        Assert.Equal([0, 0, 0, 100, 0, 0], ColorOperations.ShiftHsv(image, 0, 0, -155).Bytes);
        var green = ColorOperations.ShiftHsv(image, 1.0 / 3, 0, 0).Bytes;
        Assert.Equal((255, true, 0), (green[4], green[3] <= 4, green[5])); // hue has 256 steps
        Assert.Equal([255, 255, 255], ColorOperations.ShiftHsv(image, 0, -255, 0).Bytes[3..]);
        Assert.Equal([12, 0], ColorOperations.ShiftHsv(new Image(1, 2, 1, PixelType.UInt8, [32, 7]), 0.2, 9, -20).Bytes);
    }

    [Fact]
    public void Hue_OfGrayImages_ChangesNothing()
    {
        var gray = ChannelConversion.ToGray(Source);
        Assert.Same(gray, ColorOperations.Hue(gray, 0.3));
        Assert.Same(gray, ColorOperations.Saturation(gray, 0.3));
    }

    [Fact]
    public void ColorJitter_FloatImage_SaysWhereToPutIt()
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "cat.jpg",
            Image = new(new Image(4, 4, 3, PixelType.Float32)),
        };
        var error = Assert.Throws<UserErrorException>(() =>
            new ColorJitter(new ColorJitterOptions(0.5)).Apply(sample, new RandomSource(1))
        );
        Assert.Contains("cat.jpg: ColorJitter works on 8-bit images", error.Message, StringComparison.Ordinal);
    }

    private static Image Dull()
    {
        var entry = FixtureFile.Json("images", "colour.json").EnumerateArray().Single(e => e.GetProperty("step").GetString() == "dull");
        return new Image(
            Source.Height,
            Source.Width,
            3,
            PixelType.UInt8,
            Expected.AsSpan(entry.GetProperty("offset").GetInt32(), Source.Bytes.Length).ToArray()
        );
    }
}
