using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <summary>The data that AutoAugment's policy was found on.</summary>
public enum AutoAugmentPolicy
{
    /// <summary>ImageNet.</summary>
    Imagenet,

    /// <summary>CIFAR-10.</summary>
    Cifar10,

    /// <summary>Street View House Numbers.</summary>
    Svhn,
}

/// <param name="Policy">imagenet, cifar10 or svhn.</param>
/// <param name="Interpolation">For shears, shifts and turns: nearest, bilinear or bicubic.</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default 0.</param>
public sealed record AutoAugmentOptions(
    AutoAugmentPolicy Policy = AutoAugmentPolicy.Imagenet,
    Interpolation Interpolation = Interpolation.Nearest,
    double[]? PadVal = null
);

/// <summary>One of 25 learned pairs of operations, each by a chance and of a strength of its own. 8-bit images; boxes and maps follow
/// shears, shifts and turns.</summary>
/// <remarks>Cubuk et al., "AutoAugment: Learning Augmentation Strategies from Data", CVPR 2019, arXiv:1805.09501; policies, operations and
/// pixels are those of torchvision 0.14 on images of Pillow.</remarks>
[Component("AutoAugment")]
public sealed class AutoAugment : Transform
{
    private readonly AutoAugmentOptions _options;
    private readonly SubPolicy[] _policies;
    private readonly double[] _fill;

    public AutoAugment(AutoAugmentOptions options)
    {
        Images.Geometry.PillowWarp.RequireKnown(options.Interpolation);
        (_options, _policies, _fill) = (options, AutoAugmentPolicies.Of(options.Policy), options.PadVal ?? [0]);
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "AutoAugment");
        var policy = random.Next(_policies.Length);
        var chances = (random.NextDouble(), random.NextDouble());
        Apply(sample, policy, chances, (Sign(random), Sign(random)));
        return sample;
    }

    /// <summary>Applies what was drawn.</summary>
    internal void Apply(Sample sample, int policy, (double First, double Second) chances, (int First, int Second) signs)
    {
        var pair = _policies[policy];
        if (chances.First <= pair.Chance)
            Apply(sample, pair.First, pair.Step, signs.First);
        if (chances.Second <= pair.SecondChance)
            Apply(sample, pair.Second, pair.SecondStep, signs.Second);
    }

    private void Apply(Sample sample, AugmentOperation operation, int step, int sign)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var value = MagnitudeRanges.Usual.At(operation, step, AutoAugmentPolicies.Steps, sign, height, width);
        AugmentOperations.Apply(sample, operation, value, _options.Interpolation, _fill);
    }

    private static int Sign(RandomSource random) => random.Chance(0.5) ? -1 : 1;
}
