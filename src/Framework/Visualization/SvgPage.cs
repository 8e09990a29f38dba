using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>A white page: what is drawn on Skia's SVG canvas, with what its SVG lacks.</summary>
internal sealed partial class SvgPage : IDisposable
{
    private readonly MemoryStream _file = new();
    private readonly float _width,
        _height;
    private readonly List<bool> _smooth = [];

    internal SvgPage(double width, double height)
    {
        (_width, _height) = ((float)Math.Ceiling(width), (float)Math.Ceiling(height)); // Skia's pages are whole
        Canvas = SKSvgCanvas.Create(SKRect.Create(_width, _height), _file);
        using var white = new SKPaint { Color = SKColors.White };
        Canvas.DrawRect(0, 0, _width, _height, white);
    }

    internal SKCanvas Canvas { get; }

    /// <summary>To be said of each image, in order.</summary>
    internal void ImageDrawn(bool smooth) => _smooth.Add(smooth);

    /// <summary>The file. Nothing can be drawn any more.</summary>
    internal string Finish()
    {
        Canvas.Dispose(); // writes the end
        var svg = Encoding.UTF8.GetString(_file.GetBuffer(), 0, (int)_file.Length);
        // Without a view box, a viewer that shows the page larger or smaller cuts it instead of scaling it.
        var box = string.Create(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {_width} {_height}\" ");
        return WithSquarePixels(WithOwnNumbers(svg.Insert(svg.IndexOf("<svg ", StringComparison.Ordinal) + 5, box)));
    }

    public void Dispose()
    {
        Canvas.Dispose();
        _file.Dispose();
    }

    /// <summary>Skia counts clips over the whole process: the same drawing would give another file each time.</summary>
    private static string WithOwnNumbers(string svg)
    {
        var numbers = new Dictionary<string, int>();
        return ClipName()
            .Replace(
                svg,
                name =>
                {
                    if (!numbers.TryGetValue(name.Value, out var number))
                        numbers.Add(name.Value, number = numbers.Count);
                    return string.Create(CultureInfo.InvariantCulture, $"cl_{number}");
                }
            );
    }

    // No other attribute can hold an underscore after letters, base64 included.
    [GeneratedRegex("cl_[0-9a-f]+", RegexOptions.None, matchTimeoutMilliseconds: 10_000)]
    private static partial Regex ClipName();

    /// <summary>Skia doesn't write how an image is to be enlarged.</summary>
    private string WithSquarePixels(string svg)
    {
        const string element = "<image ";
        if (_smooth.TrueForAll(smooth => smooth))
            return svg;
        var parts = svg.Split(element); // attributes hold no "<", and there is no text
        var result = new StringBuilder(parts[0]);
        for (var i = 1; i < parts.Length; i++)
            result.Append(element).Append(_smooth[i - 1] ? "" : "image-rendering=\"pixelated\" ").Append(parts[i]);
        return result.ToString();
    }
}
