using System.Globalization;
using System.Text;
using SkiaSharp;

namespace Tessera.Framework.Visualization;

/// <summary>What is drawn on Skia's SVG canvas, with what its SVG lacks.</summary>
internal sealed class SvgPage : IDisposable
{
    private readonly MemoryStream _file = new();
    private readonly double _width, _height;
    private readonly List<bool> _smooth = [];

    internal SvgPage(double width, double height)
    {
        (_width, _height) = (width, height);
        Canvas = SKSvgCanvas.Create(SKRect.Create((float)width, (float)height), _file);
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
        return WithSquarePixels(svg.Insert(svg.IndexOf("<svg ", StringComparison.Ordinal) + 5, string.Create(CultureInfo.InvariantCulture, $"viewBox=\"0 0 {(float)_width} {(float)_height}\" ")));
    }

    public void Dispose()
    {
        Canvas.Dispose();
        _file.Dispose();
    }

    /// <summary>Skia doesn't write how an image is to be enlarged.</summary>
    private string WithSquarePixels(string svg)
    {
        const string element = "<image ";
        if (_smooth.TrueForAll(smooth => smooth)) return svg;
        var parts = svg.Split(element); // attributes hold no "<", and there is no text
        var result = new StringBuilder(parts[0]);
        for (var i = 1; i < parts.Length; i++) result.Append(element).Append(_smooth[i - 1] ? "" : "image-rendering=\"pixelated\" ").Append(parts[i]);
        return result.ToString();
    }
}
