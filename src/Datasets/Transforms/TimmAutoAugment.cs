using Tessera.Datasets.Images.Geometry;
using Tessera.Datasets.Images.Resampling;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Transforms;

/// <param name="Config">timm's own string: rand-m9-mstd0.5-inc1 and its like (m, n, p, mstd, mmax, inc, t), augmix-m5-w4-d2 (m, w, d, a, b,
/// mstd), or a policy: original, originalr, v0, v0r, 3a (with mstd).</param>
/// <param name="Interpolation">For shears, shifts and turns: nearest, bilinear or bicubic. By default bilinear or bicubic, drawn each
/// time, as timm has it with train_interpolation random.</param>
/// <param name="PadVal">What fills the corners: one value, or one per channel. By default ImageNet's mean, rounded: 124, 116, 104, and
/// 117 for gray images.</param>
public sealed record TimmAutoAugmentOptions(
    [property: MinLength(1), MaxLength(256)] string Config,
    Interpolation? Interpolation = null,
    double[]? PadVal = null
);

/// <summary>The augmentations that timm calls by a string: RandAugment with noise on its strength, AutoAugment's policies, three-augment,
/// AugMix. 8-bit images; boxes and maps follow shears, shifts and turns, except those that are mixed.</summary>
/// <remarks>
/// Operations, strengths and pixels are those of timm's auto_augment.py with Pillow, but for the blur of 3a: there three box filters
/// stand for the Gaussian, here is the Gaussian. Strengths are of 10; a normal number times mstd is added, and the sum cut to 0 .. 10
/// (mmax). RandAugment: Cubuk et al., 2020, arXiv:1909.13719. Three-augment: Touvron, Cord and Jégou, "DeiT III", ECCV 2022,
/// arXiv:2204.07118.
/// </remarks>
[Component("TimmAutoAugment")]
public sealed class TimmAutoAugment : Transform
{
    private static readonly double[] s_mean = [124, 116, 104];
    private static readonly double[] s_grayMean = [117];

    private readonly TimmAutoAugmentOptions _options;

    public TimmAutoAugment(TimmAutoAugmentOptions options)
    {
        PillowWarp.RequireKnown(options.Interpolation ?? Interpolation.Bilinear);
        (_options, Recipe) = (options, new TimmRecipe(options.Config));
    }

    internal TimmRecipe Recipe { get; }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        ColorOperations.Check(sample, "TimmAutoAugment");
        switch (Recipe.Kind)
        {
            case TimmRecipeKind.AugMix:
                sample.Image = new(Mixed(SampleGeometry.ImageOf(sample), random));
                break;
            case TimmRecipeKind.Policy:
                foreach (var operation in Recipe.Policy[random.Next(Recipe.Policy.Count)])
                    ApplyByChance(sample, operation, random);
                break;
            default:
                foreach (var i in Drawn(random))
                    ApplyByChance(sample, Recipe.Operations[i], random);
                break;
        }
        return sample;
    }

    /// <summary>Applies an operation as drawn.</summary>
    internal void Apply(Sample sample, in TimmOperation operation, in TimmDraw draw)
    {
        var (height, width) = SampleGeometry.SizeOf(sample);
        var (what, value) = operation.At(draw, Recipe.Largest, height, width);
        AugmentOperations.Apply(sample, what, value, draw.Interpolation, FillOf(SampleGeometry.ImageOf(sample)));
    }

    /// <summary>Mixes chains of operations as drawn.</summary>
    /// <param name="share">Of the mixture; the image itself has the rest.</param>
    internal Image Mixed(Image image, float share, IReadOnlyList<(float Weight, (TimmOperation, TimmDraw)[] Links)> chains)
    {
        var ends = new Image[chains.Count];
        for (var i = 0; i < ends.Length; i++)
        {
            ends[i] = image;
            foreach (var (operation, draw) in chains[i].Links)
            {
                var (what, value) = operation.At(draw, Recipe.Largest, image.Height, image.Width);
                ends[i] = AugmentOperations.Apply(ends[i], what, value, draw.Interpolation, FillOf(image));
            }
        }
        if (Recipe.Blended)
            return Blended(image, ends, [.. chains.Select(chain => (double)(chain.Weight * share))]);
        var sums = new float[image.Bytes.Length];
        for (var i = 0; i < ends.Length; i++)
            ImageMixing.Add(sums, ends[i].Bytes, chains[i].Weight);
        return ImageMixing.Blend(image, ImageMixing.CutOff(sums, image), share);
    }

    /// <summary>Lays images over each other so that each has its weight in the end.</summary>
    private static Image Blended(Image image, Image[] ends, double[] weights)
    {
        var covered = 1.0;
        for (var i = weights.Length - 1; i >= 0; i--)
        {
            weights[i] /= covered;
            covered *= 1 - weights[i];
        }
        for (var i = 0; i < ends.Length; i++)
            image = ImageMixing.Blend(image, ends[i], (float)weights[i]);
        return image;
    }

    private Image Mixed(Image image, RandomSource random)
    {
        var weights = random.Dirichlet(Recipe.Alpha, Recipe.Width);
        var share = (float)random.Dirichlet(Recipe.Alpha, 2)[0];
        var chains = new (float, (TimmOperation, TimmDraw)[])[weights.Length];
        for (var i = 0; i < chains.Length; i++)
        {
            var links = new (TimmOperation, TimmDraw)[Recipe.Depth ?? random.Next(1, 4)];
            for (var k = 0; k < links.Length; k++)
            {
                var operation = Recipe.Operations[random.Next(Recipe.Operations.Count)];
                links[k] = (operation, Draw(operation, random));
            }
            chains[i] = ((float)weights[i], links);
        }
        return Mixed(image, share, chains);
    }

    private void ApplyByChance(Sample sample, in TimmOperation operation, RandomSource random)
    {
        if (operation.Chance >= 1 || random.Chance(operation.Chance))
            Apply(sample, operation, Draw(operation, random));
    }

    private TimmDraw Draw(in TimmOperation operation, RandomSource random)
    {
        var magnitude =
            double.IsPositiveInfinity(Recipe.MagnitudeStd) ? random.Uniform(0, operation.Magnitude)
            : Recipe.MagnitudeStd > 0 ? operation.Magnitude + (Recipe.MagnitudeStd * random.Normal())
            : operation.Magnitude;
        var sign = random.Chance(0.5) ? -1 : 1;
        var filter = _options.Interpolation ?? (random.Chance(0.5) ? Interpolation.Bilinear : Interpolation.Bicubic);
        return new(magnitude, sign, filter, random.NextDouble());
    }

    /// <summary>The operations of an image: with weights each at most once, otherwise each drawn anew.</summary>
    private int[] Drawn(RandomSource random)
    {
        var drawn = new int[Recipe.Layers];
        double[] left = [.. Recipe.Weights ?? []];
        for (var i = 0; i < drawn.Length; i++)
        {
            if (left.Length == 0)
            {
                drawn[i] = random.Next(Recipe.Operations.Count);
                continue;
            }
            var place = random.NextDouble() * left.Sum();
            var k = 0;
            for (var sum = left[0]; k < left.Length - 1 && (sum <= place || left[k] == 0); sum += left[k])
                k++;
            while (left[k] == 0)
                k--; // the sum's rounding
            (drawn[i], left[k]) = (k, 0);
        }
        return drawn;
    }

    private double[] FillOf(Image image) => _options.PadVal ?? (image.Channels == 1 ? s_grayMean : s_mean);
}
