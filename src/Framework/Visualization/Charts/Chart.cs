using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Files;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A picture of numbers, as PNG or SVG.</summary>
public abstract class Chart
{
    protected const double TitleSize = 16,
        LabelSize = 13,
        TickSize = 12,
        Gap = 10;

    protected static readonly Rgb Ink = new(40, 40, 40);
    protected static readonly Rgb Grid = new(225, 225, 225);

    public string Title { get; init; } = "";

    /// <summary>Units of the picture; a PNG has two pixels to each.</summary>
    public abstract (double Width, double Height) Size { get; }

    /// <summary>Draws onto a white page of <see cref="Size"/>.</summary>
    public abstract void Draw(Drawing drawing);

    /// <param name="scale">Pixels along a unit; 2 is sharp on paper.</param>
    public byte[] Png(double scale = 2)
    {
        using var drawing = Drawing.Pixels(Size.Width, Size.Height, scale);
        Draw(drawing);
        return drawing.EncodePng();
    }

    public string Svg()
    {
        using var drawing = Drawing.Svg(Size.Width, Size.Height);
        Draw(drawing);
        return drawing.EncodeSvg();
    }

    /// <summary>Writes the picture as its name says: .png or .svg.</summary>
    /// <exception cref="UserErrorException">Another ending.</exception>
    public void Save(string path)
    {
        RequireKnownEnding(path);
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        if (path.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
        {
            AtomicFile.WriteText(path, Svg());
            return;
        }
        var png = Png();
        AtomicFile.Write(path, stream => stream.Write(png));
    }

    /// <summary>For tools: known before anything is computed.</summary>
    public static void RequireKnownEnding(string path)
    {
        if (Path.GetExtension(path).ToLowerInvariant() is not (".png" or ".svg"))
            throw new UserErrorException($"{path}: a picture is written as .png or .svg.");
    }

    /// <summary>Writes the title and gives the room above what follows.</summary>
    protected double DrawTitle(Drawing drawing)
    {
        if (Title.Length == 0)
            return Gap;
        drawing.Text(
            drawing.Fit(Title, drawing.Width - 2 * Gap, TitleSize, bold: true),
            drawing.Width / 2,
            Gap,
            TitleSize,
            Ink,
            TextAlign.Middle,
            TextAlign.Start,
            bold: true
        );
        return Gap + drawing.Measure(Title, TitleSize, bold: true).Height + Gap;
    }
}
