using System.Globalization;

namespace Tessera.Framework.Visualization;

/// <summary>An sRGB colour.</summary>
/// <param name="Opacity">0 lets everything through, 1 nothing.</param>
public readonly record struct Color(byte Red, byte Green, byte Blue, double Opacity = 1)
{
    public static Color Black => new(0, 0, 0);
    public static Color White => new(255, 255, 255);
    public static Color Gray => new(128, 128, 128);

    /// <summary>"#1f77b4".</summary>
    public static Color FromHex(string hex)
    {
        var value = uint.Parse(hex.AsSpan(hex.StartsWith('#') ? 1 : 0), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return new((byte)(value >> 16), (byte)(value >> 8), (byte)value);
    }

    /// <summary>"#1f77b4"; the opacity isn't part of it.</summary>
    public string Hex => $"#{Red:x2}{Green:x2}{Blue:x2}";

    /// <summary>Black or white, whichever is easier to read on this colour.</summary>
    public Color Readable => 0.299 * Red + 0.587 * Green + 0.114 * Blue > 140 ? Black : White;

    public Color WithOpacity(double opacity) => this with { Opacity = opacity };

    /// <summary>A step from this colour, at 0, to another, at 1.</summary>
    public Color Towards(Color other, double share)
    {
        return new(Mix(Red, other.Red), Mix(Green, other.Green), Mix(Blue, other.Blue), Opacity + (other.Opacity - Opacity) * share);

        byte Mix(byte from, byte to) => (byte)Math.Clamp(Math.Round(from + (to - from) * share), 0, 255);
    }
}
