using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

internal enum TextureKind
{
    Solid,
    Gradient,
    Stripes,
    Checks,
    Dots,
    Noise,
}

/// <summary>Two colours and the pattern in which they alternate.</summary>
internal readonly struct Texture
{
    private readonly TextureKind _kind;
    private readonly Vector3 _first,
        _step;
    private readonly Vector2 _axis,
        _phase; // _axis: a unit vector over the pattern's period
    private readonly float _sharpness;
    private readonly uint _salt;

    /// <summary>One colour everywhere.</summary>
    public Texture(Vector3 color) => (_kind, _first) = (TextureKind.Solid, color);

    /// <param name="period">Pixels of a repetition.</param>
    public Texture(TextureKind kind, Vector3 first, Vector3 second, float period, RandomSource random)
    {
        (_kind, _first, _step) = (kind, first, second - first);
        var (sine, cosine) = MathF.SinCos((float)random.Uniform(0, MathF.Tau));
        _axis = new Vector2(cosine, sine) / period;
        _phase = new Vector2((float)random.NextDouble(), (float)random.NextDouble()) + new Vector2(64); // keeps the fractions positive
        _sharpness = period; // the change from one colour to the other takes about a pixel
        _salt = (uint)random.NextUInt64();
    }

    /// <summary>The colour of a pixel.</summary>
    public Vector3 At(int x, int y)
    {
        if (_kind == TextureKind.Solid)
            return _first;
        var u = (x * _axis.X) + (y * _axis.Y) + _phase.X;
        var v = (y * _axis.X) - (x * _axis.Y) + _phase.Y;
        var share = _kind switch
        {
            TextureKind.Gradient => Wave(u),
            TextureKind.Stripes => Math.Clamp(0.5f + (Wave(u) - 0.5f) * _sharpness, 0, 1),
            TextureKind.Checks => Math.Clamp(0.5f + (Wave(u) - 0.5f) * (Wave(v) - 0.5f) * 2 * _sharpness, 0, 1),
            TextureKind.Dots => Math.Clamp(
                0.5f + (0.3f - MathF.Sqrt(Square(Fraction(u) - 0.5f) + Square(Fraction(v) - 0.5f))) * _sharpness,
                0,
                1
            ),
            _ => 0.65f * Lattice(u, v) + 0.35f * Lattice(u * 2.03f, v * 2.03f),
        };
        return _first + _step * share;
    }

    /// <summary>0 at whole numbers, 1 half way between them.</summary>
    private static float Wave(float t) => 1 - MathF.Abs(2 * Fraction(t) - 1);

    private static float Fraction(float t) => t - MathF.Floor(t);

    private static float Square(float t) => t * t;

    /// <summary>Random values on the whole numbers, smooth between them.</summary>
    private float Lattice(float u, float v)
    {
        var (column, row) = ((int)MathF.Floor(u), (int)MathF.Floor(v));
        var (x, y) = (Smooth(u - column), Smooth(v - row));
        var above = Lerp(Value(column, row), Value(column + 1, row), x);
        var below = Lerp(Value(column, row + 1), Value(column + 1, row + 1), x);
        return Lerp(above, below, y);
    }

    private float Value(int column, int row)
    {
        var hash = ((uint)column * 0x9E3779B1u) ^ ((uint)row * 0x85EBCA77u) ^ _salt;
        hash = (hash ^ (hash >> 15)) * 0x2C1B3C6Du;
        return ((hash ^ (hash >> 13)) & 0xFFFF) / 65535f;
    }

    private static float Smooth(float t) => t * t * (3 - 2 * t);

    private static float Lerp(float a, float b, float t) => a + (b - a) * t;
}
