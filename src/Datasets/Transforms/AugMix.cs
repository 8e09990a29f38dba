using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;
using static Tessera.Datasets.Transforms.AugmentOperation;

namespace Tessera.Datasets.Transforms;

/// <param name="Severity">How many of ten strengths an operation's is drawn from.</param>
/// <param name="MixtureWidth">Chains of operations that are mixed.</param>
/// <param name="ChainDepth">Operations of a chain; below 1, it is drawn from 1 to 3 for each.</param>
/// <param name="Alpha">Of the distributions of the weights: of chains, and of their mixture against the image itself.</param>
/// <param name="AllOps">Brightness, contrast, color and sharpness, too, which the paper leaves out as they overlap with ImageNet-C.</param>
/// <param name="Interpolation">For shears, shifts and turns: nearest, bilinear or bicubic.</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default 0.</param>
public sealed record AugMixOptions(
    [property: Range(1, 10)] int Severity = 3,
    [property: Range(1, 64)] int MixtureWidth = 3,
    [property: Range(-1, 64)] int ChainDepth = -1,
    [property: Range(0.01, 1000.0)] double Alpha = 1,
    bool AllOps = true,
    Interpolation Interpolation = Interpolation.Bilinear,
    double[]? PadVal = null
);

/// <summary>Mixes an image with several others, each made of it by a chain of operations. 8-bit images of one label; boxes and maps stay
/// where the image itself has them.</summary>
/// <remarks>
/// Hendrycks et al., "AugMix: A Simple Data Processing Method to Improve Robustness and Uncertainty", ICLR 2020, arXiv:1912.02781, as
/// torchvision 0.14 has it; the paper's loss of three views' agreement (Jensen and Shannon) isn't part of it there either. Pixels of the
/// operations are those on images of Pillow; torchvision's own AugMix computes them on tensors, whose Equalize, AutoContrast and borders
/// differ.
/// </remarks>
[Component("AugMix")]
public sealed class AugMix : Transform
{
    private const int Steps = 10;

    private static readonly AugmentOperation[] s_few =
    [
        ShearX,
        ShearY,
        TranslateX,
        TranslateY,
        Rotate,
        Posterize,
        Solarize,
        AutoContrast,
        Equalize,
    ];

    private static readonly AugmentOperation[] s_all = [.. s_few, Brightness, Color, Contrast, Sharpness];

    private readonly AugMixOptions _options;
    private readonly AugmentOperation[] _operations;
    private readonly double[] _fill;

    public AugMix(AugMixOptions options)
    {
        Images.Geometry.PillowWarp.RequireKnown(options.Interpolation);
        (_options, _operations, _fill) = (options, options.AllOps ? s_all : s_few, options.PadVal ?? [0]);
    }

    /// <summary>One operation as drawn.</summary>
    internal readonly record struct Link(AugmentOperation Operation, int Step, int Sign);

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "AugMix");
        var own = random.Dirichlet(_options.Alpha, 2);
        var weights = random.Dirichlet(_options.Alpha, _options.MixtureWidth);
        var chains = new (float Weight, Link[] Links)[weights.Length];
        for (var i = 0; i < chains.Length; i++)
        {
            var links = new Link[_options.ChainDepth > 0 ? _options.ChainDepth : random.Next(1, 4)];
            for (var k = 0; k < links.Length; k++)
                links[k] = new(_operations[random.Next(_operations.Length)], random.Next(_options.Severity), random.Chance(0.5) ? -1 : 1);
            chains[i] = ((float)weights[i] * (float)own[1], links);
        }
        sample.Image = new(Mix(SampleGeometry.ImageOf(sample), (float)own[0], chains));
        return sample;
    }

    /// <summary>Mixes what was drawn.</summary>
    internal Image Mix(Image image, float own, IReadOnlyList<(float Weight, Link[] Links)> chains)
    {
        var sums = new float[image.Bytes.Length];
        ImageMixing.Add(sums, image.Bytes, own);
        foreach (var (weight, links) in chains)
        {
            var end = image;
            foreach (var link in links)
            {
                var value = MagnitudeRanges.Mixed.At(link.Operation, link.Step, Steps, link.Sign, image.Height, image.Width);
                end = AugmentOperations.Apply(end, link.Operation, value, _options.Interpolation, _fill);
            }
            ImageMixing.Add(sums, end.Bytes, weight);
        }
        return ImageMixing.CutOff(sums, image);
    }
}
