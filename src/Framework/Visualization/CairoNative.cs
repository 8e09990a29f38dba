using System.Runtime.InteropServices;

namespace Tessera.Framework.Visualization;

/// <summary>The cairo graphics library, 1.14 or later.</summary>
internal static unsafe partial class CairoNative
{
    internal const int FormatRgb24 = 1; // 32 bits a pixel in host order: blue, green, red, unused
    internal const int Success = 0;
    internal const int WriteError = 11;
    internal const int LargestSide = 32767;

    private const string Library = "libcairo.so.2";

    private static readonly bool Found = NativeLibrary.TryLoad(Library, typeof(CairoNative).Assembly, null, out _);

    /// <exception cref="UserErrorException">The library is not installed.</exception>
    internal static void Require()
    {
        if (!Found) throw new UserErrorException($"The library {Library} was not found, which draws pictures. Install the package libcairo2 (tools/setup does).");
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct TextExtents
    {
        public double XBearing, YBearing, Width, Height, XAdvance, YAdvance;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct FontExtents
    {
        public double Ascent, Descent, Height, MaxXAdvance, MaxYAdvance;
    }

    [LibraryImport(Library)] internal static partial nint cairo_image_surface_create(int format, int width, int height);
    [LibraryImport(Library)] internal static partial nint cairo_svg_surface_create_for_stream(delegate* unmanaged[Cdecl]<void*, byte*, uint, int> write, void* closure, double width, double height);
    [LibraryImport(Library)] internal static partial byte* cairo_image_surface_get_data(nint surface);
    [LibraryImport(Library)] internal static partial int cairo_image_surface_get_stride(nint surface);
    [LibraryImport(Library)] internal static partial void cairo_surface_flush(nint surface);
    [LibraryImport(Library)] internal static partial void cairo_surface_mark_dirty(nint surface);
    [LibraryImport(Library)] internal static partial void cairo_surface_finish(nint surface);
    [LibraryImport(Library)] internal static partial void cairo_surface_destroy(nint surface);
    [LibraryImport(Library)] internal static partial int cairo_surface_status(nint surface);
    [LibraryImport(Library)] internal static partial int cairo_surface_write_to_png_stream(nint surface, delegate* unmanaged[Cdecl]<void*, byte*, uint, int> write, void* closure);
    [LibraryImport(Library)] internal static partial nint cairo_create(nint surface);
    [LibraryImport(Library)] internal static partial void cairo_destroy(nint context);
    [LibraryImport(Library)] internal static partial int cairo_status(nint context);
    [LibraryImport(Library)] internal static partial nint cairo_status_to_string(int status);
    [LibraryImport(Library)] internal static partial void cairo_save(nint context);
    [LibraryImport(Library)] internal static partial void cairo_restore(nint context);
    [LibraryImport(Library)] internal static partial void cairo_scale(nint context, double x, double y);
    [LibraryImport(Library)] internal static partial void cairo_translate(nint context, double x, double y);
    [LibraryImport(Library)] internal static partial void cairo_rotate(nint context, double radians);
    [LibraryImport(Library)] internal static partial void cairo_set_source_rgba(nint context, double red, double green, double blue, double alpha);
    [LibraryImport(Library)] internal static partial void cairo_set_source_surface(nint context, nint surface, double x, double y);
    [LibraryImport(Library)] internal static partial nint cairo_get_source(nint context);
    [LibraryImport(Library)] internal static partial void cairo_pattern_set_filter(nint pattern, int filter);
    [LibraryImport(Library)] internal static partial void cairo_set_line_width(nint context, double width);
    [LibraryImport(Library)] internal static partial void cairo_set_line_join(nint context, int join);
    [LibraryImport(Library)] internal static partial void cairo_set_dash(nint context, double* dashes, int count, double offset);
    [LibraryImport(Library)] internal static partial void cairo_new_path(nint context);
    [LibraryImport(Library)] internal static partial void cairo_move_to(nint context, double x, double y);
    [LibraryImport(Library)] internal static partial void cairo_line_to(nint context, double x, double y);
    [LibraryImport(Library)] internal static partial void cairo_close_path(nint context);
    [LibraryImport(Library)] internal static partial void cairo_rectangle(nint context, double x, double y, double width, double height);
    [LibraryImport(Library)] internal static partial void cairo_arc(nint context, double x, double y, double radius, double from, double to);
    [LibraryImport(Library)] internal static partial void cairo_fill(nint context);
    [LibraryImport(Library)] internal static partial void cairo_stroke(nint context);
    [LibraryImport(Library)] internal static partial void cairo_paint(nint context);
    [LibraryImport(Library)] internal static partial void cairo_clip(nint context);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial void cairo_select_font_face(nint context, string family, int slant, int weight);
    [LibraryImport(Library)] internal static partial void cairo_set_font_size(nint context, double size);
    [LibraryImport(Library)] internal static partial void cairo_font_extents(nint context, out FontExtents extents);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial void cairo_text_extents(nint context, string text, out TextExtents extents);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial void cairo_show_text(nint context, string text);
}
