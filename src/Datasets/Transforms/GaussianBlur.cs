using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images.Filtering;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Sigma">The standard deviation in pixels is drawn between these two. By default [0.1, 2].</param>
/// <param name="KernelSize">Side of the kernel, odd; by default it covers three standard deviations.</param>
/// <param name="Prob">How often the image is blurred.</param>
public sealed record GaussianBlurOptions(
    [property: Length(2, 2)] double[]? Sigma = null,
    [property: Range(1, 255)] int? KernelSize = null,
    [property: Range(0.0, 1.0)] double Prob = 1
);

/// <summary>Blurs the image. Its border's pixels are repeated outwards.</summary>
[Component("GaussianBlur")]
public sealed class GaussianBlur : Transform
{
    private readonly GaussianBlurOptions _options;
    private readonly double[] _sigma;

    public GaussianBlur(GaussianBlurOptions options)
    {
        _options = options;
        _sigma = options.Sigma ?? [0.1, 2];
        if (!(_sigma[0] > 0 && _sigma[0] <= _sigma[1] && _sigma[1] <= 100))
            throw new UserErrorException($"GaussianBlur: sigma [{_sigma[0]}, {_sigma[1]}] is no range within (0, 100].");
        if (options.KernelSize % 2 == 0)
            throw new UserErrorException($"GaussianBlur: kernel_size {options.KernelSize} is not odd.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var sigma = random.Uniform(_sigma[0], _sigma[1]);
        sample.Image = new(
            GaussianFilter.Blur(SampleGeometry.ImageOf(sample), _options.KernelSize ?? 2 * (int)Math.Ceiling(3 * sigma) + 1, sigma)
        );
        return sample;
    }
}
