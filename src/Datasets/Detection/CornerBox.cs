using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>A box as VOC's files state it: two corners, as they stand there.</summary>
internal readonly record struct CornerBox(AnnotatedImage Image, AnnotatedObject Object)
{
    public double Left => Object.X + (Image.CornersFrom ?? 0);

    public double Top => Object.Y + (Image.CornersFrom ?? 0);

    public double Right => Left + Object.Width;

    public double Bottom => Top + Object.Height;

    /// <summary>With its file and line.</summary>
    public string Described =>
        $"{Image.Describe(Object)}, {this}{(Image.Width > 0 ? $", in an image of {Image.Width} x {Image.Height}" : "")}";

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"xmin {Left:0.####}, ymin {Top:0.####}, xmax {Right:0.####}, ymax {Bottom:0.####}");
}
