using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>A drawing surface of float colours; polygons are filled with exact area coverage, so edges are antialiased.</summary>
/// <remarks>One canvas serves one thread and is used again and again.</remarks>
internal sealed class Canvas
{
    private readonly Vector3[] _colors;
    private readonly float[] _cover; // change of coverage at each pixel, a row being one longer than the image
    private int _top,
        _bottom,
        _left,
        _right; // what the polygon being drawn reaches

    public Canvas(int height, int width)
    {
        (Height, Width) = (height, width);
        _colors = new Vector3[height * width];
        _cover = new float[height * (width + 2)];
        Forget();
    }

    public int Height { get; }
    public int Width { get; }

    /// <summary>Fills everything.</summary>
    public void Clear(in Texture texture)
    {
        for (int y = 0, i = 0; y < Height; y++)
        for (var x = 0; x < Width; x++, i++)
            _colors[i] = texture.At(x, y);
    }

    /// <summary>Adds a closed outline to the polygon being drawn; a hole runs the other way round.</summary>
    public void AddOutline(ReadOnlySpan<Vector2> points)
    {
        var from = points[^1];
        foreach (var to in points)
        {
            AddEdge(from, to);
            from = to;
        }
    }

    /// <summary>Paints the polygon made of the outlines added since the last paint.</summary>
    /// <param name="mask">Where given, set to 1 where at least half a pixel is covered and to 0 elsewhere.</param>
    public void Paint(in Texture texture, float opacity = 1, byte[]? mask = null)
    {
        if (mask is not null)
            Array.Clear(mask);
        for (var y = _top; y < _bottom; y++)
        {
            var deltas = _cover.AsSpan(y * (Width + 2), Width + 2);
            var sum = 0f;
            for (var x = _left; x < _right; x++)
            {
                sum += deltas[x];
                var coverage = MathF.Min(MathF.Abs(sum), 1);
                if (coverage < 1e-3f)
                    continue;
                ref var color = ref _colors[y * Width + x];
                color += (texture.At(x, y) - color) * (coverage * opacity);
                if (mask is not null && coverage >= 0.5f)
                    mask[y * Width + x] = 1;
            }
            deltas.Clear();
        }
        Forget();
    }

    /// <summary>The picture as 8-bit pixels, lit from one side and with the noise of a sensor.</summary>
    /// <param name="light">Change of brightness from one end of the image to the other, along x and y.</param>
    /// <param name="noise">Standard deviation, of a range of 1.</param>
    public Image Develop(Vector2 light, float noise, RandomSource random)
    {
        var image = new Image(Height, Width, 3);
        var bytes = image.Bytes;
        // The sum of four uniform bytes: mean 510, standard deviation 147.8.
        var scale = noise * 255 / 147.8f;
        for (int y = 0, i = 0, at = 0; y < Height; y++)
        {
            for (var x = 0; x < Width; x++, i++, at += 3)
            {
                var gain = 255 * (1 + light.X * ((float)x / Width - 0.5f) + light.Y * ((float)y / Height - 0.5f));
                var color = _colors[i] * gain;
                if (scale > 0)
                {
                    var (a, b) = (random.NextUInt64(), random.NextUInt64());
                    color += new Vector3(Bytes(a) - 510, Bytes(a >> 32) - 510, Bytes(b) - 510) * scale;
                }
                color = Vector3.Clamp(color, Vector3.Zero, new Vector3(255)) + new Vector3(0.5f);
                (bytes[at], bytes[at + 1], bytes[at + 2]) = ((byte)color.X, (byte)color.Y, (byte)color.Z);
            }
        }
        return image;

        static float Bytes(ulong bits) => (bits & 255) + ((bits >> 8) & 255) + ((bits >> 16) & 255) + ((bits >> 24) & 255);
    }

    private void Forget() => (_top, _bottom, _left, _right) = (Height, 0, Width, 0);

    /// <summary>
    /// Notes, for every pixel that the edge crosses, how much it covers of that pixel and of everything to its right; a running
    /// sum along the row then gives the area inside.
    /// </summary>
    private void AddEdge(Vector2 from, Vector2 to)
    {
        if (from.Y == to.Y)
            return;
        var sign = 1f;
        if (from.Y > to.Y)
            (from, to, sign) = (to, from, -1);
        var slope = (to.X - from.X) / (to.Y - from.Y);
        var (top, bottom) = (MathF.Max(from.Y, 0), MathF.Min(to.Y, Height));
        if (top >= bottom)
            return;
        var (first, last) = ((int)top, (int)MathF.Ceiling(bottom));
        for (var row = first; row < last; row++)
        {
            var (y0, y1) = (MathF.Max(top, row), MathF.Min(bottom, row + 1));
            var (x0, x1) = (from.X + (y0 - from.Y) * slope, from.X + (y1 - from.Y) * slope);
            Cross(row, Math.Clamp(MathF.Min(x0, x1), 0, Width), Math.Clamp(MathF.Max(x0, x1), 0, Width), sign * (y1 - y0));
        }
        _top = Math.Min(_top, first);
        _bottom = Math.Max(_bottom, last);
        _left = Math.Min(_left, (int)Math.Clamp(MathF.Min(from.X, to.X), 0, Width));
        _right = Math.Max(_right, (int)Math.Clamp(MathF.Ceiling(MathF.Max(from.X, to.X)) + 1, 0, Width));
    }

    /// <summary>An edge within one row, from x0 to x1, that rises by <paramref name="height"/> of the row.</summary>
    private void Cross(int row, float x0, float x1, float height)
    {
        var deltas = _cover.AsSpan(row * (Width + 2), Width + 2);
        var perPixel = x1 - x0 > 1e-6f ? height / (x1 - x0) : 0;
        var x = x0;
        do
        {
            var column = (int)x;
            var end = MathF.Min(column + 1, x1);
            var part = perPixel == 0 ? height : perPixel * (end - x);
            var right = part * ((x + end) / 2 - column); // what lies left of the edge belongs to the next pixel on
            deltas[column] += part - right;
            deltas[column + 1] += right;
            x = end;
        } while (x < x1);
    }
}
