using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Filtering;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>What AutoAugment's operations do.</summary>
/// <remarks>Colours are Pillow's; so are moved images, except in <see cref="RandAugment"/>, which takes OpenCV's warp.</remarks>
internal static class AugmentOperations
{
    /// <summary>Applies an operation to a whole sample: boxes, masks and maps follow what moves.</summary>
    /// <param name="value">Of the unit that <see cref="AugmentOperation"/> says.</param>
    /// <param name="fill">What fills the corners: one value, or one per channel.</param>
    public static void Apply(
        Sample sample,
        AugmentOperation operation,
        double value,
        Interpolation interpolation,
        IReadOnlyList<double> fill
    )
    {
        var image = SampleGeometry.ImageOf(sample);
        if (Source(operation, value, image.Height, image.Width) is not { } back)
            sample.Image = new(Recolored(image, operation, value));
        else if (value != 0)
            Move(sample, back, image.Height, image.Width, interpolation, fill);
    }

    /// <summary>Applies an operation to an image alone.</summary>
    /// <inheritdoc cref="Apply(Sample, AugmentOperation, double, Interpolation, IReadOnlyList{double})"/>
    public static Image Apply(
        Image image,
        AugmentOperation operation,
        double value,
        Interpolation interpolation,
        IReadOnlyList<double> fill
    )
    {
        if (Source(operation, value, image.Height, image.Width) is not { } back)
            return Recolored(image, operation, value);
        return value == 0 ? image : PillowWarp.Warp(image, back, image.Height, image.Width, interpolation, Padding.Pixel(image, fill));
    }

    /// <summary>Where points of the moved image come from; null for an operation that moves nothing.</summary>
    public static WayBack? Source(AugmentOperation operation, double value, int height, int width) =>
        operation switch
        {
            AugmentOperation.ShearX => WayBack.Sheared(value, 0),
            AugmentOperation.ShearY => WayBack.Sheared(0, value),
            AugmentOperation.TranslateX => WayBack.Shifted(value, 0),
            AugmentOperation.TranslateY => WayBack.Shifted(0, value),
            AugmentOperation.Rotate => WayBack.Turned(value, height, width),
            _ => null,
        };

    /// <summary>What an operation that moves nothing makes of an image.</summary>
    public static Image Recolored(Image image, AugmentOperation operation, double value) =>
        operation switch
        {
            AugmentOperation.Identity => image,
            AugmentOperation.Brightness => ColorOperations.Brightness(image, value),
            AugmentOperation.Color => ColorOperations.Saturation(image, value),
            AugmentOperation.Contrast => ColorOperations.Contrast(image, value),
            AugmentOperation.Sharpness => ColorOperations.Sharpness(image, value),
            AugmentOperation.Posterize => value >= 8 ? image : ColorOperations.Posterize(image, (int)value),
            AugmentOperation.Solarize => ColorOperations.Solarize(image, value),
            AugmentOperation.AutoContrast => ColorOperations.AutoContrast(image),
            AugmentOperation.Equalize => ColorOperations.Equalize(image),
            AugmentOperation.Invert => ColorOperations.Invert(image),
            AugmentOperation.SolarizeAdd => ColorOperations.SolarizeAdd(image, (int)value),
            AugmentOperation.Blur => GaussianFilter.Blur(image, (2 * (int)Math.Ceiling(3 * value)) + 1, value),
            _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "It moves the image."),
        };

    private static void Move(Sample sample, WayBack back, int height, int width, Interpolation interpolation, IReadOnlyList<double> fill) =>
        SampleGeometry.Move(
            sample,
            back.Forward(),
            height,
            width,
            (image, kind) =>
                PillowWarp.Warp(
                    image,
                    back,
                    height,
                    width,
                    SampleGeometry.For(kind, interpolation),
                    Padding.Pixel(image, SampleGeometry.Fill(image, kind, fill))
                ),
            cuts: true
        );
}
