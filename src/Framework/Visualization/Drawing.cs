using System.Text;
using SkiaSharp;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Where a text lies against its point, along an axis.</summary>
public enum TextAlign
{
    Start,
    Middle,
    End,
}

/// <summary>A picture that is drawn on: lines, areas, images and text, smoothly. Pixels or SVG.</summary>
/// <remarks>
/// Coordinates are in units from the top left corner; of pixels, there are scale² to a unit. What has a coordinate that isn't finite is
/// left out.
/// Several threads may draw at once, each on a drawing of its own.
/// </remarks>
public sealed class Drawing : IDisposable
{
    private const double CapitalsMiddle = 0.36; // of the size, above the baseline: DejaVu's capitals are 0.73 high

    private readonly SKCanvas _canvas;
    private readonly SKBitmap? _pixels;
    private readonly SvgPage? _svg;
    private readonly double _scale = 1;
    private readonly SKPaint _paint = new() { IsAntialias = true, StrokeJoin = SKStrokeJoin.Round };
    private readonly TextOutlines _outlines;
    private bool _finished;

    private Drawing(SKBitmap pixels, double width, double height, double scale)
    {
        (Width, Height, _pixels, _scale) = (width, height, pixels, scale);
        _outlines = new(scale);
        _canvas = new SKCanvas(pixels);
        _canvas.Scale((float)scale);
    }

    private Drawing(double width, double height)
    {
        (Width, Height, _svg) = (width, height, new(width, height));
        _outlines = new(pixels: null);
        _canvas = _svg.Canvas;
    }

    public double Width { get; }

    public double Height { get; }

    /// <summary>White pixels.</summary>
    /// <param name="scale">Pixels along a unit: 2 keeps text sharp on paper.</param>
    /// <exception cref="UserErrorException">The picture would be too large, or SkiaSharp can't be loaded.</exception>
    public static Drawing Pixels(double width, double height, double scale = 1)
    {
        SkiaLibrary.Require();
        var drawing = new Drawing(Bitmaps.New(Bitmaps.Side(width * scale), Bitmaps.Side(height * scale)), width, height, scale);
        drawing._canvas.Clear(SKColors.White);
        return drawing;
    }

    /// <summary>A white page of SVG. Its text is outlines: whoever shows it needs no font.</summary>
    /// <exception cref="UserErrorException">A side is not positive, or not finite, or SkiaSharp can't be loaded.</exception>
    public static Drawing Svg(double width, double height)
    {
        SkiaLibrary.Require();
        if (!(width > 0 && height > 0 && Finite(width, height)))
            throw new UserErrorException($"A picture of {width} x {height} can't be drawn.");
        return new Drawing(width, height);
    }

    /// <summary>A copy of an image, to draw on.</summary>
    /// <param name="image">Any type; see <see cref="Photograph.Of"/>.</param>
    /// <exception cref="UserErrorException">The picture is too large, or SkiaSharp can't be loaded.</exception>
    public static Drawing On(Image image)
    {
        SkiaLibrary.Require();
        return new(Bitmaps.Of(image), image.Width, image.Height, 1);
    }

    public void Fill(double x, double y, double width, double height, Color color)
    {
        if (Finite(x, y, width, height))
            Canvas.DrawRect(Rectangle(x, y, width, height), Filling(color));
    }

    public void Outline(double x, double y, double width, double height, Color color, double line = 1)
    {
        if (Finite(x, y, width, height))
            Canvas.DrawRect(Rectangle(x, y, width, height), Stroke(color, line));
    }

    public void Disc(double x, double y, double radius, Color color)
    {
        if (Finite(x, y, radius))
            Canvas.DrawCircle((float)x, (float)y, (float)radius, Filling(color));
    }

    public void Line(double x1, double y1, double x2, double y2, Color color, double line = 1, double dash = 0) =>
        Path([(x1, y1), (x2, y2)], color, line, dash);

    /// <summary>Straight pieces through the points.</summary>
    /// <param name="dash">Length of dashes and gaps; 0 for none.</param>
    public void Path(IReadOnlyList<(double X, double Y)> points, Color color, double line = 1, double dash = 0)
    {
        var canvas = Canvas;
        if (points.Count == 0 || !points.All(point => Finite(point.X, point.Y)))
            return;
        using var path = Trace(points, close: false);
        using var dashes = dash > 0 ? SKPathEffect.CreateDash([(float)dash, (float)dash], 0) : null;
        var paint = Stroke(color, line);
        paint.PathEffect = dashes;
        canvas.DrawPath(path, paint);
        paint.PathEffect = null;
    }

    /// <summary>The area within the points.</summary>
    public void Area(IReadOnlyList<(double X, double Y)> points, Color color)
    {
        if (points.Count == 0 || !points.All(point => Finite(point.X, point.Y)))
            return;
        using var path = Trace(points, close: true);
        Canvas.DrawPath(path, Filling(color));
    }

    /// <summary>Draws inside a rectangle only.</summary>
    public void Within(double x, double y, double width, double height, Action draw)
    {
        var canvas = Canvas;
        using var restored = new SKAutoCanvasRestore(canvas);
        canvas.ClipRect(Finite(x, y, width, height) ? Rectangle(x, y, width, height) : SKRect.Empty, antialias: true);
        draw();
    }

    /// <summary>An image, stretched to the rectangle.</summary>
    /// <param name="smooth">Interpolate; without it pixels stay squares.</param>
    public void Draw(Image image, double x, double y, double width, double height, bool smooth = true)
    {
        var canvas = Canvas;
        if (!Finite(x, y, width, height))
            return;
        if (smooth && _svg is null)
            image = Shrinking.To(image, height * _scale, width * _scale);
        using var bitmap = Bitmaps.Of(image);
        using var picture = SKImage.FromPixels(bitmap.Info, bitmap.GetPixels(), bitmap.RowBytes); // not a copy
        var sampling = new SKSamplingOptions(smooth ? SKFilterMode.Linear : SKFilterMode.Nearest);
        canvas.DrawImage(picture, SKRect.Create(image.Width, image.Height), Rectangle(x, y, width, height), sampling, Filling(Color.White));
        _svg?.ImageDrawn(smooth);
    }

    /// <summary>One line of text. What the font has no sign for is shown as a box.</summary>
    /// <param name="along">What of the text lies at x: its start, middle or end.</param>
    /// <param name="across">What of it lies at y: its top (Start), the middle of its capitals, or its baseline (End).</param>
    /// <param name="degrees">Turned clockwise about (x, y).</param>
    public void Text(
        string text,
        double x,
        double y,
        double size,
        Color color,
        TextAlign along = TextAlign.Start,
        TextAlign across = TextAlign.End,
        bool bold = false,
        double degrees = 0
    )
    {
        var canvas = Canvas;
        if (!Finite(x, y, size, degrees))
            return;
        text = Printable(text);
        var start = along switch
        {
            TextAlign.Start => 0,
            TextAlign.Middle => -_outlines.Width(text, size, bold) / 2,
            _ => -_outlines.Width(text, size, bold),
        };
        var baseline = across switch
        {
            TextAlign.Start => _outlines.Room(size, bold).Ascent,
            TextAlign.Middle => CapitalsMiddle * size,
            _ => 0,
        };
        var upright = degrees == 0;
        if (upright && _svg is null)
            baseline = Math.Round((y + baseline) * _scale) / _scale - y; // on whole pixels, letters are sharper
        using var outlines = _outlines.Of(text, start, baseline, size, bold, upright);
        using var restored = new SKAutoCanvasRestore(canvas);
        canvas.Translate((float)x, (float)y);
        if (!upright)
            canvas.RotateDegrees((float)degrees);
        canvas.DrawPath(outlines, Filling(color));
    }

    /// <summary>How wide a text is, and how high its line, in whole units.</summary>
    public (double Width, double Height) Measure(string text, double size, bool bold = false)
    {
        if (_finished)
            throw Finished();
        var (ascent, descent) = _outlines.Room(size, bold);
        return (_outlines.Width(Printable(text), size, bold), ascent + descent);
    }

    /// <summary>The text, or as much of its beginning as fits, with "…".</summary>
    public string Fit(string text, double width, double size, bool bold = false)
    {
        if (Measure(text, size, bold).Width <= width)
            return text;
        var (low, high) = (0, text.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Measure(text[..middle] + "…", size, bold).Width <= width)
                low = middle;
            else
                high = middle - 1;
        }
        if (low > 0 && char.IsHighSurrogate(text[low - 1]))
            low--;
        return text[..low] + "…";
    }

    /// <summary>The pixels so far, 8-bit RGB.</summary>
    /// <exception cref="InvalidOperationException">It is SVG.</exception>
    public Image ToImage() => Bitmaps.ToImage(RequirePixels());

    /// <summary>A PNG file, 8-bit RGB.</summary>
    /// <exception cref="InvalidOperationException">It is SVG.</exception>
    public byte[] EncodePng() => Bitmaps.EncodePng(RequirePixels());

    /// <summary>The page, which is finished by it: nothing can be drawn any more.</summary>
    /// <exception cref="InvalidOperationException">It is pixels.</exception>
    public string EncodeSvg()
    {
        if (_svg is null)
            throw new InvalidOperationException("The drawing is pixels; ask for a PNG.");
        if (_finished)
            throw Finished();
        _finished = true;
        return _svg.Finish();
    }

    public void Dispose()
    {
        _finished = true;
        _canvas.Dispose();
        _pixels?.Dispose();
        _paint.Dispose();
        _outlines.Dispose();
        _svg?.Dispose();
    }

    // Skia doesn't check whether what it is handed has been given back.
    private SKCanvas Canvas => _finished ? throw Finished() : _canvas;

    private SKBitmap RequirePixels()
    {
        if (_svg is not null)
            throw new InvalidOperationException("The drawing is SVG; it has no pixels.");
        return _finished ? throw Finished() : _pixels!;
    }

    private static InvalidOperationException Finished() => new("The drawing is finished.");

    private SKPaint Filling(Color color)
    {
        _paint.Color = new SKColor(color.Red, color.Green, color.Blue, (byte)Math.Round(255 * Math.Clamp(color.Opacity, 0, 1)));
        _paint.Style = SKPaintStyle.Fill;
        return _paint;
    }

    private SKPaint Stroke(Color color, double line)
    {
        var paint = Filling(color);
        paint.Style = SKPaintStyle.Stroke;
        paint.StrokeWidth = (float)line;
        return paint;
    }

    private static bool Finite(params ReadOnlySpan<double> values)
    {
        var sum = 0f;
        foreach (var value in values)
            sum += (float)value;
        return float.IsFinite(sum);
    }

    private static SKRect Rectangle(double x, double y, double width, double height) =>
        SKRect.Create((float)x, (float)y, (float)width, (float)height);

    private static SKPath Trace(IReadOnlyList<(double X, double Y)> points, bool close)
    {
        using var path = new SKPathBuilder();
        path.AddPoly([.. points.Select(point => new SKPoint((float)point.X, (float)point.Y))], close);
        return path.Detach();
    }

    /// <summary>Strangers' names may hold anything: control characters become spaces, halves of a surrogate pair the sign for what can't be
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
}
