using System.Numerics;

namespace Tessera.Models.Detection;

/// <summary>Boxes as four columns, so that one box can be held against all of them a vector at a time.</summary>
/// <param name="X1">Left, in pixels.</param>
/// <param name="Y1">Top.</param>
/// <param name="X2">Right.</param>
/// <param name="Y2">Bottom.</param>
public sealed record BoxArray(float[] X1, float[] Y1, float[] X2, float[] Y2)
{
    public static BoxArray Empty { get; } = new([], [], [], []);

    public int Count => X1.Length;

    /// <summary>(x2 - x1) · (y2 - y1) of each.</summary>
    public float[] Areas => field ??= AreasOf();

    /// <param name="corners">[N * 4], x1, y1, x2, y2.</param>
    public static BoxArray Of(ReadOnlySpan<float> corners)
    {
        var boxes = WithRoom(corners.Length / 4);
        for (var i = 0; i < boxes.Count; i++)
            (boxes.X1[i], boxes.Y1[i], boxes.X2[i], boxes.Y2[i]) = (
                corners[i * 4],
                corners[i * 4 + 1],
                corners[i * 4 + 2],
                corners[i * 4 + 3]
            );
        return boxes;
    }

    /// <summary>Boxes yet to be written.</summary>
    public static BoxArray WithRoom(int count) => new(new float[count], new float[count], new float[count], new float[count]);

    /// <summary>The middle of each.</summary>
    internal (float[] X, float[] Y) Centers()
    {
        var (x, y) = (new float[Count], new float[Count]);
        for (var i = 0; i < x.Length; i++)
            (x[i], y[i]) = ((X1[i] + X2[i]) / 2, (Y1[i] + Y2[i]) / 2);
        return (x, y);
    }

    /// <summary>Some of them.</summary>
    internal BoxArray Of(int[] indices)
    {
        var boxes = WithRoom(indices.Length);
        for (var i = 0; i < indices.Length; i++)
            (boxes.X1[i], boxes.Y1[i], boxes.X2[i], boxes.Y2[i]) = (X1[indices[i]], Y1[indices[i]], X2[indices[i]], Y2[indices[i]]);
        return boxes;
    }

    /// <summary>One box as x1, y1, x2, y2.</summary>
    public void CopyTo(int index, Span<float> corners) =>
        (corners[0], corners[1], corners[2], corners[3]) = (X1[index], Y1[index], X2[index], Y2[index]);

    /// <summary>How much of box <paramref name="index"/> of another array each box shares.</summary>
    /// <param name="ofOwn">False: intersection over union. True: intersection over the area of the box of this array (IoF).</param>
    /// <param name="result">[Count]; 0 where the areas are 0.</param>
    public void Overlaps(BoxArray other, int index, Span<float> result, bool ofOwn = false)
    {
        var (x1, y1, x2, y2, area) = (other.X1[index], other.Y1[index], other.X2[index], other.Y2[index], other.Areas[index]);
        var areas = Areas;
        var i = 0;
        var (left, top, right, bottom, whole) = (
            new Vector<float>(x1),
            new Vector<float>(y1),
            new Vector<float>(x2),
            new Vector<float>(y2),
            new Vector<float>(area)
        );
        for (; i <= Count - Vector<float>.Count; i += Vector<float>.Count)
        {
            var width = Vector.Max(
                Vector.Min(right, new Vector<float>(X2, i)) - Vector.Max(left, new Vector<float>(X1, i)),
                Vector<float>.Zero
            );
            var height = Vector.Max(
                Vector.Min(bottom, new Vector<float>(Y2, i)) - Vector.Max(top, new Vector<float>(Y1, i)),
                Vector<float>.Zero
            );
            var shared = width * height;
            var own = new Vector<float>(areas, i);
            var ratio = shared / (ofOwn ? own : whole + own - shared);
            Vector.ConditionalSelect(Vector.GreaterThan(shared, Vector<float>.Zero), ratio, Vector<float>.Zero).CopyTo(result[i..]);
        }
        for (; i < Count; i++)
        {
            var shared =
                MathF.Max(MathF.Min(x2, X2[i]) - MathF.Max(x1, X1[i]), 0) * MathF.Max(MathF.Min(y2, Y2[i]) - MathF.Max(y1, Y1[i]), 0);
            result[i] = shared > 0 ? shared / (ofOwn ? areas[i] : area + areas[i] - shared) : 0;
        }
    }

    private float[] AreasOf()
    {
        var areas = new float[Count];
        for (var i = 0; i < areas.Length; i++)
            areas[i] = (X2[i] - X1[i]) * (Y2[i] - Y1[i]);
        return areas;
    }
}
