using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Visualization;

/// <summary>Truth or predictions drawn over the image that they belong to.</summary>
public static class Overlays
{
    /// <summary>A segmentation map's colours over an image.</summary>
    /// <param name="picture">Any type.</param>
    /// <param name="map">H x W x 1, UInt8 or UInt16, of the picture's size. Values without a colour (255 is one) leave the picture as it
    /// is, hatched in grey.</param>
    /// <param name="colors">By class.</param>
    /// <param name="opacity">Of the colours.</param>
    /// <param name="contours">Also draw where classes meet.</param>
    /// <returns>8-bit RGB.</returns>
    public static Image Segmentation(Image picture, Image map, IReadOnlyList<Rgb> colors, double opacity = 0.5, bool contours = true)
    {
        if (picture.Height != map.Height || picture.Width != map.Width || map.Channels != 1)
            throw new ArgumentException(
                $"A map of {map.Width} x {map.Height} x {map.Channels} does not lie on an image of {picture.Width} x {picture.Height}.",
                nameof(map)
            );
        var source = Photograph.Of(picture);
        var result = new Image(picture.Height, picture.Width, 3);
        var classes = Values(map);
        var weight = (int)Math.Round(Math.Clamp(opacity, 0, 1) * 256);
        for (var y = 0; y < map.Height; y++)
        for (var x = 0; x < map.Width; x++)
        {
            var i = y * map.Width + x;
            var c = classes[i];
            var (color, share) =
                c < colors.Count ? (colors[c], weight)
                : (x + y) % 8 < 2 ? (Rgb.Gray, 128)
                : (default, 0);
            if (contours && share > 0 && c < colors.Count && Meets(i, x, y))
                (color, share) = (color.Towards(Rgb.White, 0.45), 230);
            result.Bytes[3 * i] = Blend(source.Bytes[3 * i], color.Red, share);
            result.Bytes[3 * i + 1] = Blend(source.Bytes[3 * i + 1], color.Green, share);
            result.Bytes[3 * i + 2] = Blend(source.Bytes[3 * i + 2], color.Blue, share);
        }
        return result;

        bool Meets(int i, int x, int y) =>
            x + 1 < map.Width && classes[i + 1] != classes[i] || y + 1 < map.Height && classes[i + map.Width] != classes[i];

        static byte Blend(byte under, byte over, int share) => (byte)((under * (256 - share) + over * share + 128) >> 8);
    }

    /// <summary>The classes that occur in a map, by index; values at and above <paramref name="classes"/> are left out.</summary>
    public static IReadOnlyList<int> ClassesIn(Image map, int classes)
    {
        var seen = new bool[classes];
        foreach (var value in Values(map))
            if (value < classes)
                seen[value] = true;
        return [.. Enumerable.Range(0, classes).Where(c => seen[c])];
    }

    /// <summary>Instance masks over an image, each in its own colour, with a strong outline.</summary>
    /// <param name="masks">Of the picture's size, H x W x 1, 0 or 1.</param>
    /// <param name="colors">By mask; again from the first where there are fewer.</param>
    /// <param name="opacity">Of the colours.</param>
    /// <returns>8-bit RGB.</returns>
    public static Image Masks(Image picture, IReadOnlyList<Image> masks, IReadOnlyList<Rgb> colors, double opacity = 0.5)
    {
        var result = Photograph.Of(picture).Clone();
        var share = Math.Clamp(opacity, 0, 1);
        for (var n = 0; n < masks.Count; n++)
        {
            var (mask, color) = (masks[n], colors[n % colors.Count]);
            if (mask.Height != picture.Height || mask.Width != picture.Width)
                throw new ArgumentException(
                    $"A mask of {mask.Width} x {mask.Height} does not lie on an image of {picture.Width} x {picture.Height}.",
                    nameof(masks)
                );
            for (var i = 0; i < mask.Bytes.Length; i++)
            {
                if (mask.Bytes[i] == 0)
                    continue;
                var under = new Rgb(result.Bytes[3 * i], result.Bytes[3 * i + 1], result.Bytes[3 * i + 2]);
                var over = IsEdge(mask, i) ? under.Towards(color, Math.Max(share, 0.9)) : under.Towards(color, share);
                (result.Bytes[3 * i], result.Bytes[3 * i + 1], result.Bytes[3 * i + 2]) = (over.Red, over.Green, over.Blue);
            }
        }
        return result;

        static bool IsEdge(Image mask, int at) =>
            at % mask.Width is var x
            && (
                (x > 0 && mask.Bytes[at - 1] == 0)
                || (x + 1 < mask.Width && mask.Bytes[at + 1] == 0)
                || (at >= mask.Width && mask.Bytes[at - mask.Width] == 0)
                || (at + mask.Width < mask.Bytes.Length && mask.Bytes[at + mask.Width] == 0)
            );
    }

    /// <summary>Masks of objects over an image, in the colours that their boxes have; those of another size than the image are left
    /// out.</summary>
    /// <param name="masks">By object, the best first; null: the picture stays as it is.</param>
    /// <param name="labels">Of the objects that are shown, the first ones.</param>
    /// <param name="colors">By class.</param>
    public static Image Masks(
        Image picture,
        IReadOnlyList<RunLengthMask>? masks,
        ReadOnlySpan<int> labels,
        IReadOnlyList<Rgb> colors,
        double opacity = 0.45
    )
    {
        var (shown, ofMasks) = (new List<Image>(), new List<Rgb>());
        for (var n = Math.Min(labels.Length, masks?.Count ?? 0) - 1; n >= 0; n--) // the best on top
        {
            if (masks![n].Height != picture.Height || masks[n].Width != picture.Width || masks[n].IsEmpty)
                continue;
            shown.Add(masks[n].ToImage());
            ofMasks.Add(labels[n] >= 0 && labels[n] < colors.Count ? colors[labels[n]] : Rgb.Gray);
        }
        return shown.Count == 0 ? picture : Masks(picture, shown, ofMasks, opacity);
    }

    /// <summary>Boxes with their names, and scores where there are.</summary>
    /// <param name="corners">[N * 4], x1, y1, x2, y2.</param>
    /// <param name="scores">[N].</param>
    /// <param name="ignored">[N]; those are dashed.</param>
    public static void Boxes(
        Drawing drawing,
        ReadOnlySpan<float> corners,
        IReadOnlyList<int> labels,
        IReadOnlyList<string> names,
        IReadOnlyList<Rgb> colors,
        IReadOnlyList<float>? scores = null,
        IReadOnlyList<bool>? ignored = null
    )
    {
        var size = Math.Clamp(Math.Min(drawing.Width, drawing.Height) / 32, 9, 22);
        var line = Math.Max(1.5, size / 7);
        for (var n = labels.Count - 1; n >= 0; n--) // the best on top
        {
            if (!float.IsFinite(corners[4 * n] + corners[4 * n + 1] + corners[4 * n + 2] + corners[4 * n + 3]))
                continue;
            double x1 = corners[4 * n],
                y1 = corners[4 * n + 1],
                x2 = corners[4 * n + 2],
                y2 = corners[4 * n + 3];
            var color = labels[n] >= 0 && labels[n] < colors.Count ? colors[labels[n]] : Rgb.Gray;
            var crowd = ignored is not null && ignored[n];
            drawing.Path([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)], color, line, crowd ? 3 * line : 0);
            var name = labels[n] >= 0 && labels[n] < names.Count ? names[labels[n]] : labels[n].ToString(CultureInfo.InvariantCulture);
            var text = scores is null ? name : string.Create(CultureInfo.InvariantCulture, $"{name} {scores[n]:0.00}");
            var (width, height) = drawing.Measure(text, size);
            var left = Math.Clamp(x1 - line / 2, 0, Math.Max(0, drawing.Width - width - size / 2));
            var top = y1 - height >= 0 ? y1 - height : Math.Clamp(y1, 0, Math.Max(0, drawing.Height - height));
            drawing.Fill(left, top, width + size / 2, height, color, opacity: 0.85);
            drawing.Text(text, left + size / 4, top + height / 2, size, color.Readable, across: TextAlign.Middle);
        }
    }

    /// <summary>Predicted objects over an image.</summary>
    public static Image Detections(
        Image picture,
        DetectionPrediction prediction,
        IReadOnlyList<string> names,
        IReadOnlyList<Rgb> colors,
        double scoreThreshold = 0
    )
    {
        var shown = prediction.Scores.Count(score => score >= scoreThreshold); // they fall
        using var drawing = Drawing.On(Masks(picture, prediction.Masks, prediction.Labels.AsSpan(0, shown), colors));
        Boxes(drawing, prediction.Corners, prediction.Labels[..shown], names, colors, prediction.Scores[..shown]);
        return drawing.ToImage();
    }

    /// <summary>Pictures side by side, each under its title, with a legend below: what a report shows.</summary>
    /// <param name="pictures">Shown at the height of the first.</param>
    /// <param name="legend">Names and colours; may be empty.</param>
    public static Drawing SideBySide(IReadOnlyList<(string Title, Image Picture)> pictures, IReadOnlyList<(string Name, Rgb Color)> legend)
    {
        const double gap = 8,
            text = 13,
            row = 20;
        var height = (double)Math.Clamp(pictures[0].Picture.Height, 64, 1024);
        var widths = pictures.Select(picture => picture.Picture.Width * height / picture.Picture.Height).ToArray();
        var width = widths.Sum() + gap * (pictures.Count + 1);
        double[] entries;
        using (var ruler = Drawing.Pixels(1, 1))
            entries = [.. legend.Select(entry => ruler.Measure(entry.Name, text).Width + 36)];
        width = Math.Max(width, entries.DefaultIfEmpty().Max() + 2 * gap);
        var rows = 0;
        for (var (i, x) = (0, 0.0); i < entries.Length; i++)
        {
            if (i == 0 || x + entries[i] > width - gap)
                (rows, x) = (rows + 1, gap);
            x += entries[i];
        }
        var titles = pictures.Any(picture => picture.Title.Length > 0) ? row + 4 : gap;
        var drawing = Drawing.Pixels(width, titles + height + gap + rows * row);
        var left = gap;
        for (var i = 0; i < pictures.Count; i++)
        {
            drawing.Text(
                drawing.Fit(pictures[i].Title, widths[i], text, bold: true),
                left,
                titles / 2,
                text,
                Rgb.Black,
                across: TextAlign.Middle,
                bold: true
            );
            drawing.Draw(pictures[i].Picture, left, titles, widths[i], height);
            left += widths[i] + gap;
        }
        var (at, y) = (gap, titles + height + gap / 2 + row / 2);
        for (var i = 0; i < entries.Length; i++)
        {
            if (i > 0 && at + entries[i] > width - gap)
                (at, y) = (gap, y + row);
            drawing.Fill(at, y - 7, 14, 14, legend[i].Color);
            drawing.Text(legend[i].Name, at + 20, y, text, Rgb.Black, across: TextAlign.Middle);
            at += entries[i];
        }
        return drawing;
    }

    private static int[] Values(Image map) =>
        map.Type switch
        {
            PixelType.UInt8 => Array.ConvertAll(map.Bytes, value => value == byte.MaxValue ? int.MaxValue : value),
            PixelType.UInt16 => [.. map.Pixels<ushort>().ToArray().Select(value => value == ushort.MaxValue ? int.MaxValue : value)],
            _ => throw new ArgumentException("A segmentation map holds integers.", nameof(map)),
        };
}
