using System.ComponentModel.DataAnnotations;
using Tessera.Datasets.Images;
using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Datasets.Transforms;

/// <param name="Std">The standard deviation, in the pixels' own units (0 .. 255 for 8-bit images), is drawn between these two.</param>
/// <param name="Prob">How often noise is added.</param>
public sealed record GaussianNoiseOptions([property: Length(2, 2)] double[] Std, [property: Range(0.0, 1.0)] double Prob = 1);

/// <summary>Adds independent normal noise to every value.</summary>
[Component("GaussianNoise")]
public sealed class GaussianNoise : Transform
{
    private readonly GaussianNoiseOptions _options;

    public GaussianNoise(GaussianNoiseOptions options)
    {
        _options = options;
        if (!(options.Std[0] >= 0 && options.Std[0] <= options.Std[1]))
            throw new UserErrorException($"GaussianNoise: std [{options.Std[0]}, {options.Std[1]}] is no range.");
    }

    public override Sample Apply(Sample sample, RandomSource random)
    {
        if (!random.Chance(_options.Prob))
            return sample;
        var image = SampleGeometry.ImageOf(sample);
        var std = (float)random.Uniform(_options.Std[0], _options.Std[1]);
        var noise = new float[image.Height * image.Width * image.Channels];
        for (var i = 0; i < noise.Length; i += 2)
        {
            // Box and Muller, both of the pair.
            var radius = std * MathF.Sqrt(-2 * MathF.Log(1 - (float)(random.NextUInt64() >> 40) / (1 << 24)));
            var (sin, cos) = MathF.SinCos(2 * MathF.PI * (float)random.NextDouble());
            noise[i] = radius * cos;
            if (i + 1 < noise.Length)
                noise[i + 1] = radius * sin;
        }
        sample.Image = new(Add(image, noise));
        return sample;
    }

    private static Image Add(Image image, float[] noise)
    {
        var result = PixelLayout.Like(image, image.Height, image.Width);
        switch (image.Type)
        {
            case PixelType.UInt8:
                var bytes = image.Pixels<byte>();
                var newBytes = result.Pixels<byte>();
                for (var i = 0; i < noise.Length; i++)
                    newBytes[i] = (byte)Math.Clamp(bytes[i] + noise[i] + 0.5f, 0, byte.MaxValue);
                break;
            case PixelType.UInt16:
                var words = image.Pixels<ushort>();
                var newWords = result.Pixels<ushort>();
                for (var i = 0; i < noise.Length; i++)
                    newWords[i] = (ushort)Math.Clamp(words[i] + noise[i] + 0.5f, 0, ushort.MaxValue);
                break;
            default:
                var floats = image.Pixels<float>();
                var newFloats = result.Pixels<float>();
                for (var i = 0; i < noise.Length; i++)
                    newFloats[i] = floats[i] + noise[i];
                break;
        }
        return result;
    }
}
