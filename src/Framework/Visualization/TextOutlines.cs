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
    private readonly double _scale;
    private readonly SKFontHinting _hinting;
    private readonly SKFont _font = new() { Subpixel = true, LinearMetrics = true };

    /// <param name="pixels">To a unit, so that horizontal edges can be laid on them; null: the picture has none.</param>
    internal TextOutlines(double? pixels) => (_scale, _hinting) = (pixels ?? 1, pixels is null ? SKFontHinting.None : SKFontHinting.Slight);

    /// <summary>Room above and below the baseline, in whole units, so that what lies beside text meets pixels.</summary>
    internal (double Ascent, double Descent) Room(double size, bool bold)
    {
        var metrics = Font(size, bold, SKFontHinting.None).Metrics;
        return (Math.Ceiling(-metrics.Ascent), Math.Ceiling(metrics.Descent));
    }

    /// <summary>From the start of the text to where the next would start; the same for PNG and SVG.</summary>
    internal double Width(string text, double size, bool bold) => Font(size, bold, SKFontHinting.None).MeasureText(text);

    /// <param name="start">Where the text starts, from left to right.</param>
    /// <param name="baseline">Where it stands, downwards.</param>
    /// <param name="upright">It isn't turned, so its edges may be laid on pixels.</param>
    /// <returns>Disposed by the caller.</returns>
    internal SKPath Of(string text, double start, double baseline, double size, bool bold, bool upright)
    {
        var font = Font(size, bold, SKFontHinting.None);
        var glyphs = font.GetGlyphs(text);
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

    private SKFont Font(double size, bool bold, SKFontHinting hinting)
    {
        (_font.Typeface, _font.Size, _font.Hinting) = (bold ? EmbeddedFonts.Bold : EmbeddedFonts.Regular, (float)size, hinting);
        return _font;
    }
}
