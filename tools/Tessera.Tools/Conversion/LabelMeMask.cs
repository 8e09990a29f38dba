using System.Text.Json.Nodes;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Conversion;

/// <summary>Reads LabelMe's shapes of the type "mask": a PNG in base64, whose first and last pixels the two points are.</summary>
internal static class LabelMeMask
{
    private const double Farthest = 1e6; // no image is as large

    /// <param name="points">x1, y1, x2, y2 of the shape.</param>
    /// <param name="height">The image's rows.</param>
    /// <param name="width">The image's columns.</param>
    /// <param name="place">For messages.</param>
    /// <exception cref="UserErrorException">It is no such mask.</exception>
    public static RunLengthMask Read(JsonNode? shape, double[] points, int height, int width, string place)
    {
        if (shape?["mask"] is not JsonValue value || !value.TryGetValue<string>(out var text))
            throw new UserErrorException($"{place}: it has no \"mask\"; a PNG in base64 was expected.");
        var bytes = new byte[(text.Length / 4 + 1) * 3];
        if (!Convert.TryFromBase64String(text, bytes, out var count) || ImageCodec.Detect(bytes.AsSpan(0, count)) != ImageFormat.Png)
            throw new UserErrorException($"{place}: its \"mask\" is no PNG in base64.");
        if (points.Length != 4 || points.Any(side => !(Math.Abs(side) <= Farthest)))
            throw new UserErrorException($"{place}: a mask has two points, the corners of its box.");
        var (left, top) = ((int)Math.Min(points[0], points[2]), (int)Math.Min(points[1], points[3]));
        var (across, down) = ((int)Math.Max(points[0], points[2]) - left + 1, (int)Math.Max(points[1], points[3]) - top + 1);
        var png = ImageCodec.Open(bytes.AsMemory(0, count), $"{place}, its mask", new DecodeOptions(ColorType.Unchanged));
        if (Math.Abs(png.Width - across) > 1 || Math.Abs(png.Height - down) > 1)
            throw new UserErrorException(
                $"{place}: its \"mask\" has {png.Width} x {png.Height} pixels, but its points enclose {across} x {down}."
            );
        if (png.Width > width + 1 || png.Height > height + 1 || (long)height * width > int.MaxValue)
            throw new UserErrorException(
                $"{place}: its \"mask\" of {png.Width} x {png.Height} pixels is too large for its image of {width} x {height}."
            );
        var part = png.Decode();
        if (part.Channels != 1 || part.Type != PixelType.UInt8)
            throw new UserErrorException(
                $"{place}: its \"mask\" has {part.Channels} channels of {part.Type}; one of 0 and 1 was expected."
            );
        var mask = Placed(part, left, top, height, width);
        return mask.IsEmpty ? throw new UserErrorException($"{place}: its \"mask\" has no pixel within the image.") : mask;
    }

    /// <summary>Column by column, as run lengths go; what leaves the image is cut off.</summary>
    private static RunLengthMask Placed(Image part, int left, int top, int height, int width)
    {
        var (runs, start, inside) = (new List<int>(), 0, false);
        for (var x = Math.Max(0, left); x < Math.Min(width, left + part.Width); x++)
        {
            var (first, end) = (Math.Max(0, top), Math.Min(height, top + part.Height));
            for (var y = first; y < end; y++)
                Turn(part.Bytes[(y - top) * part.Width + x - left] != 0, x * height + y);
            if (end > first)
                Turn(false, x * height + end);
        }
        runs.Add(height * width - start);
        return new RunLengthMask(height, width, runs);

        void Turn(bool on, int at)
        {
            if (on == inside)
                return;
            runs.Add(at - start);
            (start, inside) = (at, on);
        }
    }
}
