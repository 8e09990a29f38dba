using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <summary>What an erased part is filled with.</summary>
public enum ErasingMode
{
    /// <summary>One value per channel.</summary>
    Constant,

    /// <summary>Noise: uniform over the range of integer pixels, standard normal for floats.</summary>
    Noise,
}

/// <param name="Prob">How often a part is erased.</param>
/// <param name="Scale">The part's share of the image's area is drawn between these two. By default [0.02, 0.33].</param>
/// <param name="Ratio">Its height / width is drawn between these two, evenly in its logarithm. By default [0.3, 3.3].</param>
/// <param name="Mode">constant or noise.</param>
/// <param name="Value">For constant: one value, or one per channel, in the pixels' own units. By default 0, which after Normalize is the
/// mean.</param>
public sealed record RandomErasingOptions(
    [property: Range(0.0, 1.0)] double Prob = 0.5,
    [property: Length(2, 2)] double[]? Scale = null,
    [property: Length(2, 2)] double[]? Ratio = null,
    ErasingMode Mode = ErasingMode.Constant,
    [property: MinLength(1)] double[]? Value = null
);

/// <summary>Overwrites a random rectangle of the image. Boxes, masks and maps stay.</summary>
/// <remarks>Zhong et al., "Random erasing data augmentation", AAAI 2020, arXiv:1708.04896.</remarks>
[Component("RandomErasing")]
public sealed class RandomErasing : Transform
{
    private const int Attempts = 10;

    private readonly RandomErasingOptions _options;
    private readonly double[] _scale,
        _ratio;

    public RandomErasing(RandomErasingOptions options)
    {
        _options = options;
        _scale = options.Scale ?? [0.02, 0.33];
        _ratio = options.Ratio ?? [0.3, 3.3];
        if (!(_scale[0] > 0 && _scale[0] <= _scale[1] && _scale[1] <= 1))
            throw new UserErrorException($"RandomErasing: scale [{_scale[0]}, {_scale[1]}] is no range within (0, 1].");
        if (!(_ratio[0] > 0 && _ratio[0] <= _ratio[1]))
            throw new UserErrorException($"RandomErasing: ratio [{_ratio[0]}, {_ratio[1]}] is no range of positive ratios.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var image = SampleGeometry.ImageOf(sample);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var area = (double)image.Height * image.Width * random.Uniform(_scale[0], _scale[1]);
            var ratio = Math.Exp(random.Uniform(Math.Log(_ratio[0]), Math.Log(_ratio[1])));
            var (height, width) = ((int)Math.Round(Math.Sqrt(area * ratio)), (int)Math.Round(Math.Sqrt(area / ratio)));
            if (height < 1 || width < 1 || height >= image.Height || width >= image.Width)
                continue;
            sample.Image = new(
                Erase(image, random.Next(image.Height - height + 1), random.Next(image.Width - width + 1), height, width, random)
            );
            break;
        }
        return sample;
    }

    private Image Erase(Image image, int top, int left, int height, int width, RandomSource random)
    {
        var result = image.Clone();
        var size = image.PixelSize();
        var pixel =
            _options.Mode == ErasingMode.Constant
                ? Padding.Pixel(image, SampleGeometry.Fill(image, MapKind.Image, _options.Value ?? [0]))
                : [];
        for (var y = top; y < top + height; y++)
        {
            var row = result.Bytes.AsSpan((y * image.Width + left) * size, width * size);
            if (_options.Mode == ErasingMode.Constant)
                Padding.FillRow(row, pixel);
            else if (image.Type == PixelType.Float32)
                foreach (ref var value in System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(row))
                    value = (float)random.Normal();
            else
                foreach (ref var value in row)
                    value = (byte)random.Next(256);
        }
        return result;
    }
}
