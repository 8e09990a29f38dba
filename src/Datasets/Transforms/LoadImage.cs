using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="ColorType">What the pixels become: color (8-bit RGB), grayscale (8-bit), or unchanged (the file's channels and
/// depth).</param>
/// <param name="MaxPixels">An image that says it has more pixels is refused before memory is taken.</param>
/// <param name="ApplyOrientation">Turn the image as its EXIF orientation says.</param>
/// <param name="CheckSize">An image of another size than its boxes' annotation says can't be used: the boxes would lie elsewhere.</param>
public sealed record LoadImageOptions(
    ColorType ColorType = ColorType.Color,
    [property: Range(1L, 268_000_000L)] long MaxPixels = DecodeOptions.DefaultMaxPixels,
    bool ApplyOrientation = true,
    bool CheckSize = true
);

/// <summary>Reads the image's file: JPEG, PNG, WebP, BMP or TIFF. An image that the data set drew itself is taken as it is.</summary>
/// <remarks>
/// The header is read at once, the pixels when a step first needs them: in training, a step that shrinks a JPEG then has
/// it decoded at a reduced size. In training, instance masks become pixels here, where the data set has them
/// (<see cref="BoxAnnotation.Masks"/>); the steps that follow move them along.
/// </remarks>
[Component("LoadImage")]
public sealed class LoadImage(LoadImageOptions options) : Transform
{
    /// <summary>An image of another size than its boxes were annotated on is refused.</summary>
    public bool ChecksSize => options.CheckSize;

    /// <summary>What the pixels become.</summary>
    public ColorType ColorType => options.ColorType;

    private readonly DecodeOptions _decode = new(options.ColorType, options.MaxPixels, options.ApplyOrientation);

    /// <summary>Images are turned as their EXIF orientation says.</summary>
    public bool AppliesOrientation => options.ApplyOrientation;

    /// <summary>Whether a pipeline turns images as their EXIF orientation says; one without this step would.</summary>
    public static bool TurnsIn(IEnumerable<Transform> pipeline) =>
        pipeline.OfType<LoadImage>().FirstOrDefault()?.AppliesOrientation ?? true;

    public override bool Loads => true;

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (sample.ReadFile is not null)
            sample.Image = new(ImageCodec.Open(sample.ReadFile(), sample.Name, _decode), mayReduce: sample.Training);
        else if (sample.Image is null)
            throw new UserErrorException($"{sample.Name}: the data set gives neither an image nor a file to read.");
        var (height, width) = SampleGeometry.SizeOf(sample);
        if (options.CheckSize && sample.Truth.BoxAnnotation?.ImageSize is { } said && said != (height, width))
            throw Mismatch(sample.Name, height, width, said);
        sample.Geometry = Geometry.Original(height, width);
        if (sample.Training)
            InstanceMaskImages.Fill(sample);
        return sample;
    }

    private UserErrorException Mismatch(string name, int height, int width, (int Height, int Width) said) =>
        new(
            $"{name}: the image is {width} x {height} pixels, but its annotation was made for {said.Width} x {said.Height}, so the "
                + $"boxes would lie elsewhere."
                + (
                    said != (width, height) ? ""
                    : options.ApplyOrientation
                        ? " It may have been annotated without its EXIF orientation: LoadImage's apply_orientation=false leaves it as "
                            + "it is stored."
                    : " It may have been annotated as its EXIF orientation turns it: LoadImage's apply_orientation=true turns it."
                )
                + " Mend the one or the other, or set check_size=false in LoadImage."
        );
}
