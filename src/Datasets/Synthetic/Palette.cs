using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>Two related colours, as on one object.</summary>
internal sealed class Palette
{
    private const int Attempts = 24;

    private readonly Vector3 _first,
        _second;

    public Palette(RandomSource random)
    {
        _first = AnyColor(random);
        _second = Related(random, _first);
    }

    /// <summary>A palette that stands out against another: the nearest colours of the two are at least <paramref name="contrast"/>
    /// apart.</summary>
    public Palette(RandomSource random, Palette ground, float contrast)
    {
        var best = -1f;
        for (var attempt = 0; attempt < Attempts && best < contrast; attempt++)
        {
            var first = AnyColor(random);
            var second = Related(random, first);
            var distance = Distance(first, second, ground);
            if (distance <= best)
                continue;
            (_first, _second, best) = (first, second, distance);
        }
    }

    public Texture Texture(RandomSource random, TextureKind kind, float period) =>
        kind switch
        {
            TextureKind.Solid => new Texture(_first),
            TextureKind.Gradient => new Texture(kind, _first, _second, period * 6, random),
            TextureKind.Noise => new Texture(kind, _first, _second, period * 0.7f, random),
            _ => new Texture(kind, _first, _second, period, random),
        };

    /// <summary>A colour that differs little from this palette's.</summary>
    public Vector3 Near(RandomSource random) => Related(random, random.Chance(0.5) ? _first : _second);

    public static Vector3 AnyColor(RandomSource random)
    {
        var hue = (float)random.NextDouble() * 6;
        var saturation = MathF.Sqrt((float)random.NextDouble());
        var value = (float)random.Uniform(0.12, 1);
        return new Vector3(Channel(5), Channel(3), Channel(1));

        // One channel of hue, saturation and value: a trapezoid over the hue.
        float Channel(int shift)
        {
            var k = (shift + hue) % 6;
            return value * (1 - saturation * Math.Clamp(MathF.Min(k, 4 - k), 0, 1));
        }
    }

    private static Vector3 Related(RandomSource random, Vector3 color)
    {
        var shade = (float)random.Uniform(-0.28, 0.28);
        var tint = new Vector3((float)random.Uniform(-0.14, 0.14), (float)random.Uniform(-0.14, 0.14), (float)random.Uniform(-0.14, 0.14));
        return Vector3.Clamp(color + new Vector3(shade) + tint, Vector3.Zero, Vector3.One);
    }

    /// <summary>The least distance between the segments' sampled colours.</summary>
    private static float Distance(Vector3 first, Vector3 second, Palette ground)
    {
        var least = float.MaxValue;
        for (var i = 0; i <= 2; i++)
        {
            var here = Vector3.Lerp(first, second, i / 2f);
            for (var j = 0; j <= 2; j++)
                least = MathF.Min(least, Vector3.Distance(here, Vector3.Lerp(ground._first, ground._second, j / 2f)));
        }
        return least;
    }
}
