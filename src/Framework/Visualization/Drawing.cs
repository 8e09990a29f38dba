using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Tessera.Framework.Data;

namespace Tessera.Framework.Visualization;

/// <summary>Where a text lies against its point, along an axis.</summary>
public enum TextAlign { Start, Middle, End }

/// <summary>A picture that is drawn on: lines, areas, images and text, smoothly. Pixels or SVG.</summary>
/// <remarks>Coordinates are in units from the top left corner; of pixels, there are scale² to a unit.</remarks>
public sealed unsafe class Drawing : IDisposable
{
    private readonly nint _surface, _context;
    private readonly double _scale = 1;
    private readonly GCHandle _stream;
    private readonly MemoryStream? _svg;

    private Drawing(nint surface, double width, double height, double scale = 1)
    {
        (_surface, _scale, Width, Height) = (surface, scale, width, height);
        Check(CairoNative.cairo_surface_status(surface));
        _context = CairoNative.cairo_create(surface);
        CairoNative.cairo_scale(_context, scale, scale);
        CairoNative.cairo_set_line_join(_context, 1); // round
    }

    private Drawing(double width, double height)
    {
        (Width, Height, _svg) = (width, height, new MemoryStream());
        _stream = GCHandle.Alloc(_svg);
        _surface = CairoNative.cairo_svg_surface_create_for_stream(&WriteTo, (void*)GCHandle.ToIntPtr(_stream), width, height);
        Check(CairoNative.cairo_surface_status(_surface));
        _context = CairoNative.cairo_create(_surface);
        CairoNative.cairo_set_line_join(_context, 1);
    }

    public double Width { get; }

    public double Height { get; }

    /// <summary>White pixels.</summary>
    /// <param name="scale">Pixels along a unit: 2 keeps text sharp on paper.</param>
    public static Drawing Pixels(double width, double height, double scale = 1)
    {
        CairoNative.Require();
        var (columns, rows) = (Side(width * scale), Side(height * scale));
        var drawing = new Drawing(CairoNative.cairo_image_surface_create(CairoNative.FormatRgb24, columns, rows), width, height, scale);
        drawing.Fill(0, 0, width, height, Color.White);
        return drawing;
    }

    /// <summary>A white page of SVG.</summary>
    public static Drawing Svg(double width, double height)
    {
        CairoNative.Require();
        var drawing = new Drawing(width, height);
        drawing.Fill(0, 0, width, height, Color.White);
        return drawing;
    }

    /// <summary>A copy of an image, to draw on.</summary>
    /// <param name="image">Any type; see <see cref="Photograph.Of"/>.</param>
    public static Drawing On(Image image)
    {
        CairoNative.Require();
        return new Drawing(Surface(image), image.Width, image.Height);
    }

    public void Fill(double x, double y, double width, double height, Color color)
    {
        Source(color);
        CairoNative.cairo_rectangle(_context, x, y, width, height);
        CairoNative.cairo_fill(_context);
    }

    public void Outline(double x, double y, double width, double height, Color color, double line = 1)
    {
        Source(color);
        CairoNative.cairo_set_line_width(_context, line);
        CairoNative.cairo_rectangle(_context, x, y, width, height);
        CairoNative.cairo_stroke(_context);
    }

    public void Disc(double x, double y, double radius, Color color)
    {
        Source(color);
        CairoNative.cairo_arc(_context, x, y, radius, 0, 2 * Math.PI);
        CairoNative.cairo_fill(_context);
    }

    public void Line(double x1, double y1, double x2, double y2, Color color, double line = 1, double dash = 0) =>
        Path([(x1, y1), (x2, y2)], color, line, dash);

    /// <summary>Straight pieces through the points.</summary>
    /// <param name="dash">Length of dashes and gaps; 0 for none.</param>
    public void Path(IReadOnlyList<(double X, double Y)> points, Color color, double line = 1, double dash = 0)
    {
        if (points.Count == 0) return;
        Source(color);
        CairoNative.cairo_set_line_width(_context, line);
        if (dash > 0) CairoNative.cairo_set_dash(_context, &dash, 1, 0);
        Trace(points);
        CairoNative.cairo_stroke(_context);
        if (dash > 0) CairoNative.cairo_set_dash(_context, null, 0, 0);
    }

    /// <summary>The area within the points.</summary>
    public void Area(IReadOnlyList<(double X, double Y)> points, Color color)
    {
        if (points.Count == 0) return;
        Source(color);
        Trace(points);
        CairoNative.cairo_close_path(_context);
        CairoNative.cairo_fill(_context);
    }

    /// <summary>Draws inside a rectangle only.</summary>
    public void Within(double x, double y, double width, double height, Action draw)
    {
        CairoNative.cairo_save(_context);
        CairoNative.cairo_rectangle(_context, x, y, width, height);
        CairoNative.cairo_clip(_context);
        draw();
        CairoNative.cairo_restore(_context);
    }

    /// <summary>An image, stretched to the rectangle.</summary>
    /// <param name="smooth">Interpolate; without it pixels stay squares.</param>
    public void Draw(Image image, double x, double y, double width, double height, bool smooth = true)
    {
        var picture = Surface(image);
        CairoNative.cairo_save(_context);
        CairoNative.cairo_translate(_context, x, y);
        CairoNative.cairo_scale(_context, width / image.Width, height / image.Height);
        CairoNative.cairo_set_source_surface(_context, picture, 0, 0);
        CairoNative.cairo_pattern_set_filter(CairoNative.cairo_get_source(_context), smooth ? 1 : 3); // good, nearest
        CairoNative.cairo_rectangle(_context, 0, 0, image.Width, image.Height);
        CairoNative.cairo_fill(_context);
        CairoNative.cairo_restore(_context);
        CairoNative.cairo_surface_destroy(picture);
    }

    /// <summary>One line of text.</summary>
    /// <param name="along">What of the text lies at x: its start, middle or end.</param>
    /// <param name="across">What of it lies at y: its top (Start), the middle of its capitals, or its baseline (End).</param>
    /// <param name="degrees">Turned clockwise about (x, y).</param>
    public void Text(string text, double x, double y, double size, Color color,
        TextAlign along = TextAlign.Start, TextAlign across = TextAlign.End, bool bold = false, double degrees = 0)
    {
        text = Printable(text);
        Font(size, bold);
        CairoNative.cairo_text_extents(_context, text, out var extents);
        CairoNative.cairo_font_extents(_context, out var font);
        CairoNative.cairo_save(_context);
        CairoNative.cairo_translate(_context, x, y);
        if (degrees != 0) CairoNative.cairo_rotate(_context, degrees * Math.PI / 180);
        Source(color);
        CairoNative.cairo_move_to(_context,
            along switch { TextAlign.Start => 0, TextAlign.Middle => -extents.XAdvance / 2, _ => -extents.XAdvance },
            across switch { TextAlign.Start => font.Ascent, TextAlign.Middle => 0.36 * size, _ => 0 });
        CairoNative.cairo_show_text(_context, text);
        CairoNative.cairo_new_path(_context);
        CairoNative.cairo_restore(_context);
    }

    /// <summary>How wide a text is, and how high its line.</summary>
    public (double Width, double Height) Measure(string text, double size, bool bold = false)
    {
        Font(size, bold);
        CairoNative.cairo_text_extents(_context, Printable(text), out var extents);
        CairoNative.cairo_font_extents(_context, out var font);
        return (extents.XAdvance, font.Ascent + font.Descent);
    }

    /// <summary>The text, or as much of its beginning as fits, with "…".</summary>
    public string Fit(string text, double width, double size, bool bold = false)
    {
        if (Measure(text, size, bold).Width <= width) return text;
        var (low, high) = (0, text.Length - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (Measure(text[..middle] + "…", size, bold).Width <= width) low = middle;
            else high = middle - 1;
        }
        return text[..low] + "…";
    }

    /// <summary>The pixels so far, 8-bit RGB.</summary>
    /// <exception cref="InvalidOperationException">It is SVG.</exception>
    public Image ToImage()
    {
        RequirePixels();
        CairoNative.cairo_surface_flush(_surface);
        var (width, height) = (Side(Width * _scale), Side(Height * _scale));
        var stride = CairoNative.cairo_image_surface_get_stride(_surface);
        var from = CairoNative.cairo_image_surface_get_data(_surface);
        var image = new Image(height, width, 3);
        for (var y = 0; y < height; y++)
            for (var x = 0; x < width; x++)
            {
                var pixel = from + (long)y * stride + 4L * x;
                var at = (y * width + x) * 3;
                (image.Bytes[at], image.Bytes[at + 1], image.Bytes[at + 2]) = (pixel[2], pixel[1], pixel[0]);
            }
        return image;
    }

    /// <summary>A PNG file, 8-bit RGB.</summary>
    public byte[] EncodePng()
    {
        RequirePixels();
        using var file = new MemoryStream();
        var handle = GCHandle.Alloc(file);
        try
        {
            Check(CairoNative.cairo_status(_context));
            Check(CairoNative.cairo_surface_write_to_png_stream(_surface, &WriteTo, (void*)GCHandle.ToIntPtr(handle)));
        }
        finally
        {
            handle.Free();
        }
        return file.ToArray();
    }

    /// <summary>The page, which is finished by it: nothing can be drawn any more.</summary>
    /// <exception cref="InvalidOperationException">It is pixels.</exception>
    public string EncodeSvg()
    {
        if (_svg is null) throw new InvalidOperationException("The drawing is pixels; ask for a PNG.");
        Check(CairoNative.cairo_status(_context));
        CairoNative.cairo_surface_finish(_surface);
        Check(CairoNative.cairo_surface_status(_surface));
        return Encoding.UTF8.GetString(_svg.ToArray());
    }

    public void Dispose()
    {
        CairoNative.cairo_destroy(_context);
        CairoNative.cairo_surface_destroy(_surface);
        if (_stream.IsAllocated) _stream.Free();
        _svg?.Dispose();
    }

    private static nint Surface(Image image)
    {
        var (width, height) = (Side(image.Width), Side(image.Height));
        image = Photograph.Of(image);
        var surface = CairoNative.cairo_image_surface_create(CairoNative.FormatRgb24, width, height);
        Check(CairoNative.cairo_surface_status(surface));
        var stride = CairoNative.cairo_image_surface_get_stride(surface);
        var to = CairoNative.cairo_image_surface_get_data(surface);
        for (var y = 0; y < height; y++)
        {
            var row = image.Bytes.AsSpan(y * width * 3, width * 3);
            var target = new Span<uint>(to + (long)y * stride, width);
            for (var x = 0; x < width; x++) target[x] = (uint)(row[3 * x] << 16 | row[3 * x + 1] << 8 | row[3 * x + 2]);
        }
        CairoNative.cairo_surface_mark_dirty(surface);
        return surface;
    }

    private static int Side(double length)
    {
        var side = (int)Math.Ceiling(length - 1e-9);
        return side is > 0 and <= CairoNative.LargestSide ? side
            : throw new UserErrorException($"A picture has 1 to {CairoNative.LargestSide} pixels along a side; this one would have {length:0}.");
    }

    private void RequirePixels()
    {
        if (_svg is not null) throw new InvalidOperationException("The drawing is SVG; it has no pixels.");
    }

    private void Source(Color color) =>
        CairoNative.cairo_set_source_rgba(_context, color.Red / 255.0, color.Green / 255.0, color.Blue / 255.0, color.Opacity);

    private void Trace(IReadOnlyList<(double X, double Y)> points)
    {
        CairoNative.cairo_move_to(_context, points[0].X, points[0].Y);
        for (var i = 1; i < points.Count; i++) CairoNative.cairo_line_to(_context, points[i].X, points[i].Y);
    }

    private void Font(double size, bool bold)
    {
        CairoNative.cairo_select_font_face(_context, "sans-serif", 0, bold ? 1 : 0);
        CairoNative.cairo_set_font_size(_context, size);
    }

    /// <summary>Strangers' names may hold anything; a control character or half a surrogate would end the drawing.</summary>
    private static string Printable(string text)
    {
        if (!text.Any(c => char.IsControl(c) || char.IsSurrogate(c))) return text;
        var clean = new StringBuilder();
        foreach (var rune in text.EnumerateRunes()) clean.Append(Rune.IsControl(rune) ? " " : rune.ToString());
        return clean.ToString();
    }

    private static void Check(int status)
    {
        if (status != CairoNative.Success)
            throw new InvalidOperationException($"Drawing failed: {Marshal.PtrToStringUTF8(CairoNative.cairo_status_to_string(status))}");
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int WriteTo(void* closure, byte* data, uint length)
    {
        try
        {
            ((MemoryStream)GCHandle.FromIntPtr((nint)closure).Target!).Write(new ReadOnlySpan<byte>(data, checked((int)length)));
            return CairoNative.Success;
        }
        catch (Exception error) when (error is OutOfMemoryException or IOException or OverflowException)
        {
            return CairoNative.WriteError; // exceptions must not cross native frames
        }
    }
}
