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
        if (!(width > 0 && height > 0 && SkiaShapes.Finite(width, height)))
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

    /// <param name="opacity">0 lets everything through, 1 nothing.</param>
    public void Fill(double x, double y, double width, double height, Rgb color, double opacity = 1)
    {
        if (SkiaShapes.Finite(x, y, width, height))
            Canvas.DrawRect(SkiaShapes.Rectangle(x, y, width, height), Filling(color, opacity));
    }

    public void Outline(double x, double y, double width, double height, Rgb color, double line = 1)
    {
        if (SkiaShapes.Finite(x, y, width, height))
            Canvas.DrawRect(SkiaShapes.Rectangle(x, y, width, height), Stroke(color, line));
    }

    public void Disc(double x, double y, double radius, Rgb color)
    {
        if (SkiaShapes.Finite(x, y, radius))
            Canvas.DrawCircle((float)x, (float)y, (float)radius, Filling(color));
    }

    public void Line(double x1, double y1, double x2, double y2, Rgb color, double line = 1, double dash = 0) =>
        Path([(x1, y1), (x2, y2)], color, line, dash);

    /// <summary>Straight pieces through the points.</summary>
    /// <param name="dash">Length of dashes and gaps; 0 for none.</param>
    /// <param name="opacity">0 lets everything through, 1 nothing.</param>
    public void Path(IReadOnlyList<(double X, double Y)> points, Rgb color, double line = 1, double dash = 0, double opacity = 1)
    {
        var canvas = Canvas;
        if (points.Count == 0 || !points.All(point => SkiaShapes.Finite(point.X, point.Y)))
            return;
        using var path = SkiaShapes.Trace(points, close: false);
        using var dashes = dash > 0 ? SKPathEffect.CreateDash([(float)dash, (float)dash], 0) : null;
        var paint = Stroke(color, line, opacity);
        paint.PathEffect = dashes;
        canvas.DrawPath(path, paint);
        paint.PathEffect = null;
    }

    /// <summary>The area within the points.</summary>
    public void Area(IReadOnlyList<(double X, double Y)> points, Rgb color)
    {
        if (points.Count == 0 || !points.All(point => SkiaShapes.Finite(point.X, point.Y)))
            return;
        using var path = SkiaShapes.Trace(points, close: true);
        Canvas.DrawPath(path, Filling(color));
    }

    /// <summary>Draws inside a rectangle only.</summary>
    public void Within(double x, double y, double width, double height, Action draw)
    {
        var canvas = Canvas;
        using var restored = new SKAutoCanvasRestore(canvas);
        canvas.ClipRect(SkiaShapes.Finite(x, y, width, height) ? SkiaShapes.Rectangle(x, y, width, height) : SKRect.Empty, antialias: true);
        draw();
    }

    /// <summary>An image, stretched to the rectangle.</summary>
    /// <param name="smooth">Interpolate; without it pixels stay squares.</param>
    public void Draw(Image image, double x, double y, double width, double height, bool smooth = true)
    {
        var canvas = Canvas;
        if (!SkiaShapes.Finite(x, y, width, height))
            return;
        if (smooth && _svg is null)
            image = Shrinking.To(image, height * _scale, width * _scale);
        using var bitmap = Bitmaps.Of(image);
        using var picture = SKImage.FromPixels(bitmap.Info, bitmap.GetPixels(), bitmap.RowBytes); // not a copy
        var sampling = new SKSamplingOptions(smooth ? SKFilterMode.Linear : SKFilterMode.Nearest);
        canvas.DrawImage(
            picture,
            SKRect.Create(image.Width, image.Height),
            SkiaShapes.Rectangle(x, y, width, height),
            sampling,
            Filling(Rgb.White)
        );
        _svg?.ImageDrawn(smooth);
    }

    /// <summary>One line of text. What the font has no sign for is shown as a box.</summary>
    /// <param name="along">What of the text lies at x: its start, middle or end.</param>
    /// <param name="across">What of it lies at y: its top (Start), the middle of its capitals, or its baseline (End).</param>
    /// <param name="degrees">Turned clockwise about (x, y).</param>
    /// <param name="opacity">0 lets everything through, 1 nothing.</param>
    public void Text(
        string text,
        double x,
        double y,
        double size,
        Rgb color,
        TextAlign along = TextAlign.Start,
        TextAlign across = TextAlign.End,
        bool bold = false,
        double degrees = 0,
        double opacity = 1
    )
    {
        var canvas = Canvas;
        if (!SkiaShapes.Finite(x, y, size, degrees))
            return;
        var (start, baseline) = _outlines.Place(text, size, bold, along, across);
        var upright = degrees == 0;
        if (upright && _svg is null)
            baseline = Math.Round((y + baseline) * _scale) / _scale - y; // on whole pixels, letters are sharper
        using var outlines = _outlines.Of(text, start, baseline, size, bold, upright);
        using var restored = new SKAutoCanvasRestore(canvas);
        canvas.Translate((float)x, (float)y);
        if (!upright)
            canvas.RotateDegrees((float)degrees);
        canvas.DrawPath(outlines, Filling(color, opacity));
    }

    /// <summary>How wide a text is, and how high its line, in whole units.</summary>
    public (double Width, double Height) Measure(string text, double size, bool bold = false) => Open(_outlines).Measure(text, size, bold);

    /// <summary>The text, or as much of its beginning as fits, with "…".</summary>
    public string Fit(string text, double width, double size, bool bold = false) => Open(_outlines).Fit(text, width, size, bold);

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
    private SKCanvas Canvas => Open(_canvas);

    private T Open<T>(T part) => _finished ? throw Finished() : part;

    private SKBitmap RequirePixels()
    {
        if (_svg is not null)
            throw new InvalidOperationException("The drawing is SVG; it has no pixels.");
        return Open(_pixels!);
    }

    private static InvalidOperationException Finished() => new("The drawing is finished.");

    private SKPaint Filling(Rgb color, double opacity = 1)
    {
        _paint.Color = new SKColor(color.Red, color.Green, color.Blue, (byte)Math.Round(255 * Math.Clamp(opacity, 0, 1)));
        _paint.Style = SKPaintStyle.Fill;
        return _paint;
    }

    private SKPaint Stroke(Rgb color, double line, double opacity = 1)
    {
        var paint = Filling(color, opacity);
        paint.Style = SKPaintStyle.Stroke;
        paint.StrokeWidth = (float)line;
        return paint;
    }
}
