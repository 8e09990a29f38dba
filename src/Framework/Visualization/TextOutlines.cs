using System.Text;
using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>The outlines of a line of text, in DejaVu Sans.</summary>
/// <remarks>
/// Text is filled as outlines, also in pixels: Skia's own text is thinner where it is dark and thicker where it is light, for screens. In
/// SVG its words
/// are placed letter by letter, which some viewers misread, in a font that the reader may not have.
/// </remarks>
internal sealed class TextOutlines : IDisposable
{
    private const double CapitalsMiddle = 0.36; // of the size, above the baseline: DejaVu's capitals are 0.73 high

    private readonly double _scale;
    private readonly SKFontHinting _hinting;
    private readonly SKFont _font = new() { Subpixel = true, LinearMetrics = true };

    /// <param name="pixels">To a unit, so that horizontal edges can be laid on them; null: the picture has none.</param>
    internal TextOutlines(double? pixels) => (_scale, _hinting) = (pixels ?? 1, pixels is null ? SKFontHinting.None : SKFontHinting.Slight);

    /// <summary>Room above and below the baseline, in whole units, so that what lies beside text meets pixels.</summary>
    private (double Ascent, double Descent) Room(double size, bool bold)
    {
        var metrics = Font(size, bold, SKFontHinting.None).Metrics;
        return (Math.Ceiling(-metrics.Ascent), Math.Ceiling(metrics.Descent));
    }

    /// <summary>From the start of the text to where the next would start; the same for PNG and SVG.</summary>
    private double Width(string text, double size, bool bold) => Font(size, bold, SKFontHinting.None).MeasureText(Printable(text));

    /// <summary>How wide a text is, and how high its line, in whole units.</summary>
    internal (double Width, double Height) Measure(string text, double size, bool bold)
    {
        var (ascent, descent) = Room(size, bold);
        return (Width(text, size, bold), ascent + descent);
    }

    /// <summary>The text, or as much of its beginning as fits, with "…".</summary>
    internal string Fit(string text, double width, double size, bool bold)
    {
        if (Width(text, size, bold) <= width)
            return text;
        var (low, high) = (0, text.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Width(text[..middle] + "…", size, bold) <= width)
                low = middle;
            else
                high = middle - 1;
        }
        if (low > 0 && char.IsHighSurrogate(text[low - 1]))
            low--;
        return text[..low] + "…";
    }

    /// <summary>Where a text starts and stands, so that it lies against the origin as asked.</summary>
    internal (double Start, double Baseline) Place(string text, double size, bool bold, TextAlign along, TextAlign across) =>
        (
            along switch
            {
                TextAlign.Start => 0,
                TextAlign.Middle => -Width(text, size, bold) / 2,
                _ => -Width(text, size, bold),
            },
            across switch
            {
                TextAlign.Start => Room(size, bold).Ascent,
                TextAlign.Middle => CapitalsMiddle * size,
                _ => 0,
            }
        );

    /// <param name="start">Where the text starts, from left to right.</param>
    /// <param name="baseline">Where it stands, downwards.</param>
    /// <param name="upright">It isn't turned, so its edges may be laid on pixels.</param>
    /// <returns>Disposed by the caller.</returns>
    internal SKPath Of(string text, double start, double baseline, double size, bool bold, bool upright)
    {
        var font = Font(size, bold, SKFontHinting.None);
        var glyphs = font.GetGlyphs(Printable(text));
        var places = font.GetGlyphPositions(glyphs, new SKPoint((float)start, (float)baseline));
        font = Font(size * _scale, bold, upright ? _hinting : SKFontHinting.None);
        using var all = new SKPathBuilder();
        for (var i = 0; i < glyphs.Length; i++)
        {
            using var glyph = font.GetGlyphPath(glyphs[i]);
            if (glyph is null)
                continue; // a space
            var matrix = SKMatrix.CreateScaleTranslation((float)(1 / _scale), (float)(1 / _scale), places[i].X, places[i].Y);
            all.AddPath(glyph, in matrix);
        }
        return all.Detach();
    }

    public void Dispose() => _font.Dispose();

    /// <summary>Names may hold anything: control characters become spaces, halves of a surrogate pair the sign for what can't be
    /// shown.</summary>
    private static string Printable(string text)
    {
        if (!text.Any(c => char.IsControl(c) || char.IsSurrogate(c)))
            return text;
        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
            clean.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return clean.ToString();
    }

    private SKFont Font(double size, bool bold, SKFontHinting hinting)
    {
        (_font.Typeface, _font.Size, _font.Hinting) = (bold ? EmbeddedFonts.Bold : EmbeddedFonts.Regular, (float)size, hinting);
        return _font;
    }
}
