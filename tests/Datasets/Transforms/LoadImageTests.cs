using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Resampling;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tests.Datasets.Images;

namespace Tessera.Tests.Datasets.Transforms;

public class LoadImageTests
{
    private static readonly byte[] Photograph = ImageCodec.EncodeJpeg(
        Resampler.Resize(ImageFixture.Reference("rgb.png"), 400, 600, Interpolation.Bicubic),
        90
    );

    private static Sample Load(byte[] file, bool training = false, LoadImageOptions? options = null) =>
        new LoadImage(options ?? new LoadImageOptions()).Apply(
            new Sample
            {
                Index = 0,
                Name = "photo.jpg",
                ReadFile = () => file,
                Training = training,
            },
            new RandomSource(1)
        );

    [Fact]
    public void Apply_ReadsTheHeaderOnly()
    {
        var half = Photograph[..(Photograph.Length / 2)];
        var sample = Load(half);
        Assert.Equal((400, 600), sample.Image!.Size);
        Assert.Equal((400, 600), (sample.Geometry!.OriginalHeight, sample.Geometry.OriginalWidth));
        Assert.Contains(
            "photo.jpg: the JPEG file is truncated",
            Assert.Throws<UserErrorException>(() => sample.Image!.Decode()).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(400, 600, true, null)]
    [InlineData(
        600,
        400,
        true,
        "the image is 600 x 400 pixels, but its annotation was made for 400 x 600, so the boxes would lie elsewhere. It may have been "
            + "annotated without its EXIF orientation"
    )]
    [InlineData(800, 1200, true, "annotation was made for 1200 x 800, so the boxes would lie elsewhere. Mend")]
    [InlineData(800, 1200, false, null)]
    public void Apply_SizeOtherThanAnnotated_IsAMistake(int height, int width, bool check, string? expected)
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "photo.jpg",
            ReadFile = () => Photograph,
            Truth = { BoxAnnotation = new BoxAnnotation([], [], [], [], []) { ImageSize = (height, width) } },
        };
        var load = new LoadImage(new LoadImageOptions(CheckSize: check));
        if (expected is null)
            Assert.Equal((400, 600), load.Apply(sample, new RandomSource(1)).Image?.Size);
        else
            Assert.Contains(
                expected,
                Assert.Throws<UserErrorException>(() => load.Apply(sample, new RandomSource(1))).Message,
                StringComparison.Ordinal
            );
    }

    [Fact]
    public void Resize_InEvaluation_DecodesAtFullSize()
    {
        var resized = new Resize(new ResizeOptions(new HeightWidth(40, 60))).Apply(Load(Photograph), new RandomSource(1)).Image!;
        Assert.Equal(Resampler.Resize(ImageCodec.Decode(Photograph, "photo.jpg"), 40, 60).Bytes, resized.Decode().Bytes);
    }

    [Fact]
    public void Resize_InTraining_DecodesAtTheSmallestScaleThatSuffices()
    {
        var sample = Load(Photograph, training: true);
        new Resize(new ResizeOptions(new HeightWidth(40, 60))).Apply(sample, new RandomSource(1));
        var reduced = ImageCodec.Open(Photograph, "photo.jpg").Decode(8);
        Assert.Equal(Resampler.Resize(reduced, 40, 60).Bytes, sample.Image!.Decode().Bytes);
        // It is a 10th, so an 8th was enough; and it is nearly the same picture.
        var full = Resampler.Resize(ImageCodec.Decode(Photograph, "photo.jpg"), 40, 60).Bytes;
        Assert.InRange(Enumerable.Range(0, full.Length).Average(i => Math.Abs(full[i] - sample.Image.Decode().Bytes[i])), 0, 3);
        Assert.Equal(0.1f, sample.Geometry!.Transform.M11, 1e-6f);
    }

    [Fact]
    public void RandomResizedCrop_InTraining_IsNearlyTheSameAtAReducedSize()
    {
        for (var seed = 0UL; seed < 10; seed++)
        {
            var crop = new RandomResizedCrop(new RandomResizedCropOptions(new HeightWidth(48, 48), [0.3, 1]));
            var full = crop.Apply(Load(Photograph), new RandomSource(seed));
            var reduced = crop.Apply(Load(Photograph, training: true), new RandomSource(seed));
            Assert.Equal(full.Geometry, reduced.Geometry);
            Assert.Equal(full.Image!.Decode().Bytes.Length, reduced.Image!.Decode().Bytes.Length);
            Assert.InRange(
                Enumerable
                    .Range(0, full.Image.Decode().Bytes.Length)
                    .Average(i => Math.Abs(full.Image.Decode().Bytes[i] - reduced.Image.Decode().Bytes[i])),
                0,
                3
            );
        }
    }

    [Fact]
    public void Flip_BeforeResize_DecodesAtFullSize()
    {
        var sample = new RandomFlip(new RandomFlipOptions(1)).Apply(Load(Photograph, training: true), new RandomSource(1));
        Assert.Equal((400, 600), (sample.Image!.Decode().Height, sample.Image.Decode().Width));
    }

    [Fact]
    public void Apply_MoreThanMaxPixels_IsRefused() =>
        Assert.Contains(
            "600 x 400 pixels; at most 1,000",
            Assert.Throws<UserErrorException>(() => Load(Photograph, options: new LoadImageOptions(MaxPixels: 1000))).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void LoadSegmentation_KeepsPaletteIndices()
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "street",
            SegmentationFile = new("labels", () => ImageFixture.Bytes("palette.png")),
        };
        Assert.Equal(
            ImageFixture.Reference("palette.png+index").Bytes,
            new LoadSegmentation().Apply(sample, new RandomSource(1)).Truth.SegmentationMap!.Bytes
        );
    }

    [Fact]
    public void LoadSegmentation_OfARgbPicture_SaysWhatIsExpected()
    {
        var sample = new Sample
        {
            Index = 0,
            Name = "street",
            SegmentationFile = new("labels", () => ImageFixture.Bytes("rgb.png")),
        };
        Assert.Contains(
            "has 3 channels, so it holds colours",
            Assert.Throws<UserErrorException>(() => new LoadSegmentation().Apply(sample, new RandomSource(1))).Message,
            StringComparison.Ordinal
        );
    }
}
