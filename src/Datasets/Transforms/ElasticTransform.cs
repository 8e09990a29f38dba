using Tessera.Datasets.Images;
using Tessera.Datasets.Images.Filtering;
using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Alpha">Strength: the shifts' range before they are smoothed, in half pixels of a square image; one number, or one across
/// and one down. By default 50.</param>
/// <param name="Sigma">Smoothness: the deviation in pixels of the Gaussian that smooths the shifts; one number, or one across and one
/// down. By default 5; 0: not at all.</param>
/// <param name="Prob">How often the image is bent.</param>
/// <param name="Interpolation">nearest or bilinear; labels and masks are always picked (nearest).</param>
/// <param name="PadVal">What lies outside: one value, or one per channel. By default 0.</param>
public sealed record ElasticTransformOptions(
    [property: Length(1, 2)] double[]? Alpha = null,
    [property: Length(1, 2)] double[]? Sigma = null,
    [property: Range(0.0, 1.0)] double Prob = 1,
    Interpolation Interpolation = Interpolation.Bilinear,
    double[]? PadVal = null
);

/// <summary>Bends the image as if it were seen through moving water: each pixel is shifted by a smooth random field. Masks and maps
/// follow; boxes are those around their bent edges.</summary>
/// <remarks>
/// Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document analysis", ICDAR 2003, as
/// torchvision 0.14 has it: shifts across are drawn from [-1, 1], smoothed, and multiplied by alpha * W / (2 H) pixels, those down by
/// alpha * H / (2 W). The noise goes on beyond the border, where there it
/// is mirrored. Predictions can't be mapped back.
/// </remarks>
[Component("ElasticTransform")]
public sealed class ElasticTransform : Transform
{
    private readonly ElasticTransformOptions _options;
    private readonly double[] _alpha,
        _sigma,
        _fill;

    public ElasticTransform(ElasticTransformOptions options)
    {
        (_options, _alpha, _sigma, _fill) = (options, options.Alpha ?? [50], options.Sigma ?? [5], options.PadVal ?? [0]);
        if (options.Interpolation is not (Interpolation.Nearest or Interpolation.Bilinear))
            throw new UserErrorException($"ElasticTransform: there is no {options.Interpolation} filter. There are nearest and bilinear.");
        if (_alpha.Any(alpha => !(alpha >= 0 && alpha <= 1e6)))
            throw new UserErrorException($"ElasticTransform: alpha {string.Join(", ", _alpha)} is not from 0 to 1000000.");
        if (_sigma.Any(sigma => !(sigma >= 0 && sigma <= 100)))
            throw new UserErrorException($"ElasticTransform: sigma {string.Join(", ", _sigma)} is not from 0 to 100.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var (height, width) = SampleGeometry.SizeOf(sample);
        var across = Field(_alpha[0] * width / (2.0 * height), _sigma[0], height, width, random);
        var down = Field(_alpha[^1] * height / (2.0 * width), _sigma[^1], height, width, random);
        Apply(sample, new Displacement(across, down, height, width));
        return sample;
    }

    internal void Apply(Sample sample, Displacement field) =>
        SampleGeometry.Bend(
            sample,
            (image, kind) =>
                field.Warp(
                    image,
                    SampleGeometry.For(kind, _options.Interpolation) == Interpolation.Nearest,
                    Padding.Pixel(image, SampleGeometry.Fill(image, kind, _fill))
                ),
            field.Enclose
        );

    /// <param name="most">Pixels, before smoothing.</param>
    private static float[] Field(double most, double sigma, int height, int width, RandomSource random)
    {
        var kernel = sigma > 0 ? (int)((8 * sigma) + 1) | 1 : 1;
        var noise = new Image(height + kernel - 1, width + kernel - 1, 1, PixelType.Float32);
        foreach (ref var value in noise.Pixels<float>())
            value = (float)random.Uniform(-most, most);
        var field = sigma > 0 ? PixelLayout.Crop(GaussianFilter.Blur(noise, kernel, sigma), kernel / 2, kernel / 2, height, width) : noise;
        return field.Pixels<float>().ToArray();
    }
}
