using System.ComponentModel.DataAnnotations;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Mean">Per channel (or one for all), in the order of the result's channels. By default ImageNet's [123.675, 116.28,
/// 103.53].</param>
/// <param name="Std">Per channel (or one for all). By default ImageNet's [58.395, 57.12, 57.375].</param>
/// <param name="DivValue">Pixels are divided by it first: 1 for mean and std of 0 .. 255, 255 for those of 0 .. 1.</param>
/// <param name="InputMode">The order of the channels that the model gets; bgr exchanges red and blue.</param>
public sealed record NormalizeOptions(
    [property: MinLength(1)] double[]? Mean = null,
    [property: MinLength(1)] double[]? Std = null,
    [property: Range(1e-6, 1e6)] double DivValue = 1,
    ChannelOrder InputMode = ChannelOrder.Rgb
);

/// <summary>(pixel / div_value - mean) / std, as floats. Without padding: pad afterwards and the padding is 0.</summary>
[Component("Normalize")]
public sealed class Normalize : Transform
{
    private readonly Normalization _normalization;

    public Normalize(NormalizeOptions options)
    {
        var imagenet = options.DivValue == 255 ? 1 / 255.0 : 1;
        var mean = options.Mean ?? [123.675 * imagenet, 116.28 * imagenet, 103.53 * imagenet];
        var std = options.Std ?? [58.395 * imagenet, 57.12 * imagenet, 57.375 * imagenet];
        if (std.Any(value => !(value > 0)))
            throw new UserErrorException("Normalize: std must be positive.");
        _normalization = new Normalization(
            [.. mean.Select(value => (float)(value * options.DivValue))],
            [.. std.Select(value => (float)(value * options.DivValue))],
            options.InputMode == ChannelOrder.Bgr
        );
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        var image = SampleGeometry.ImageOf(sample);
        Check(_normalization.Mean.Length, image.Channels, "mean");
        Check(_normalization.Std.Length, image.Channels, "std");
        if (_normalization.ReverseChannels && image.Channels != 3)
            throw new UserErrorException($"{sample.Name}: input_mode bgr needs an image of 3 channels; it has {image.Channels}.{Place}");
        sample.Image!.Normalize(_normalization);
        return sample;

        void Check(int count, int channels, string what)
        {
            if (count != 1 && count != channels)
                throw new UserErrorException(
                    $"{sample.Name}: Normalize has a {what} of {count} channels, the image has {channels}. LoadImage's color_type gives "
                        + $"all images the same channels.{Place}"
                );
        }
    }

    private string Place => ComponentPlace.Of(this) is { } place ? $" Normalize stands in {place}." : "";
}
