namespace Tessera.Framework.Data;

/// <summary>Outlines of a mask, along the edges of its pixels.</summary>
public static class MaskContours
{
    /// <summary>A tolerance at which the stairs of pixels become slanting lines.</summary>
    public const double UsualTolerance = 1;

    /// <summary>
    /// A polygon for each part (pixels that share an edge). A hole is joined to its part's outline by a line that is gone along
    /// twice, so that filling by the even-odd rule leaves it out.
    /// </summary>
    /// <param name="tolerance">Points that lie no further than this from the line between the points kept are left out, in pixels. 0:
    /// <see cref="PolygonMask.Of"/> gives the same mask.</param>
    /// <returns>Each x1, y1, x2, y2, … in pixels, pixel corners at integers; at least three points.</returns>
    public static IReadOnlyList<double[]> Of(RunLengthMask mask, double tolerance = 0)
    {
        var (left, top, width, height) = mask.Box;
        if (width == 0)
            return [];
        var grid = new Grid(mask, left, top, width, height);
        var parts = new SortedDictionary<int, List<(int X, int Y)>>();
        foreach (var (part, loop) in grid.Loops())
        {
            var kept = Simplified(loop, tolerance);
            if (kept.Count < 3)
                kept = loop;
            if (!parts.TryGetValue(part, out var outline))
                parts.Add(part, [.. kept]); // the outer one comes first: it has the part's upper left pixel
            else
                Join(outline, kept, (a, b) => Math.Pow(a.X - b.X, 2) + Math.Pow(a.Y - b.Y, 2));
        }
        return [.. parts.Values.Select(points => points.SelectMany(point => (double[])[point.X + left, point.Y + top]).ToArray())];
    }

    /// <summary>One outline of several, for formats that hold one: a line that is gone along twice joins each to those before it, where
    /// they are nearest, so that filling gives the same.</summary>
    /// <param name="polygons">Each x1, y1, x2, y2, …; one at least.</param>
    public static double[] Joined(IReadOnlyList<double[]> polygons)
    {
        var outline = Points(polygons[0]);
        foreach (var polygon in polygons.Skip(1))
            Join(outline, Points(polygon), (a, b) => Math.Pow(a.X - b.X, 2) + Math.Pow(a.Y - b.Y, 2));
        return [.. outline.SelectMany(point => (double[])[point.X, point.Y])];

        static List<(double X, double Y)> Points(double[] polygon) => [.. polygon.Chunk(2).Select(point => (point[0], point[1]))];
    }

    /// <summary>Goes to the other line from the nearest point, around it, and back.</summary>
    private static void Join<T>(List<T> outline, List<T> other, Func<T, T, double> distance)
    {
        var (best, at, from) = (double.MaxValue, 0, 0);
        for (var i = 0; i < outline.Count; i++)
        for (var j = 0; j < other.Count; j++)
            if (distance(outline[i], other[j]) is var found && found < best)
                (best, at, from) = (found, i, j);
        outline.InsertRange(at + 1, [.. other[from..], .. other[..from], other[from], outline[at]]);
    }

    /// <summary>Douglas and Peucker, "Algorithms for the reduction of the number of points …", 1973; of a closed line, whose two halves lie
    /// between its first point and the one furthest from it.</summary>
    private static List<(int X, int Y)> Simplified(List<(int X, int Y)> loop, double tolerance)
    {
        if (tolerance <= 0)
            return loop;
        var far = Enumerable.Range(0, loop.Count).MaxBy(i => Math.Abs(loop[i].X - loop[0].X) + Math.Abs(loop[i].Y - loop[0].Y));
        List<(int X, int Y)> closed = [.. loop, loop[0]];
        var keep = new bool[closed.Count];
        keep[0] = keep[far] = keep[^1] = true;
        var spans = new Stack<(int First, int Last)>([(0, far), (far, closed.Count - 1)]);
        while (spans.TryPop(out var span))
        {
            var (most, at) = (tolerance, -1);
            for (var i = span.First + 1; i < span.Last; i++)
                if (Distance(closed[i], closed[span.First], closed[span.Last]) is var distance && distance > most)
                    (most, at) = (distance, i);
            if (at < 0)
                continue;
            keep[at] = true;
            spans.Push((span.First, at));
            spans.Push((at, span.Last));
        }
        return [.. loop.Where((_, i) => keep[i])];
    }

    private static double Distance((int X, int Y) point, (int X, int Y) from, (int X, int Y) to)
    {
        double dx = to.X - from.X,
            dy = to.Y - from.Y,
            x = point.X - from.X,
            y = point.Y - from.Y;
        var length = dx * dx + dy * dy;
        var t = length == 0 ? 0 : Math.Clamp((x * dx + y * dy) / length, 0, 1);
        return Math.Sqrt(Math.Pow(x - t * dx, 2) + Math.Pow(y - t * dy, 2));
    }

    /// <summary>The part of the image in the mask's box, its parts numbered.</summary>
    private sealed class Grid
    {
        private readonly int _width,
            _height;
        private readonly int[] _parts; // 0 outside; row by row

        public Grid(RunLengthMask mask, int left, int top, int width, int height)
        {
            (_width, _height, _parts) = (width, height, new int[width * height]);
            var at = 0;
            for (var i = 0; i < mask.Runs.Count; at += mask.Runs[i++])
                if (i % 2 == 1)
                    for (var p = at; p < at + mask.Runs[i]; p++)
                        _parts[(p % mask.Height - top) * width + p / mask.Height - left] = -1;
            var (part, open) = (0, new Stack<int>());
            for (var start = 0; start < _parts.Length; start++)
            {
                if (_parts[start] >= 0)
                    continue;
                _parts[start] = ++part;
                open.Push(start);
                while (open.TryPop(out var pixel))
                    foreach (var (dx, dy) in s_sides)
                        if (PartAt(pixel % width + dx, pixel / width + dy) < 0)
                        {
                            var next = pixel + dy * width + dx;
                            _parts[next] = part;
                            open.Push(next);
                        }
            }
        }

        // Right, down, left, up: going so along an edge, the inside lies to the right.
        private static readonly (int X, int Y)[] s_sides = [(1, 0), (0, 1), (-1, 0), (0, -1)];

        /// <summary>Closed lines between inside and outside, only their corners; each part's outer one before its holes'.</summary>
        public IEnumerable<(int Part, List<(int X, int Y)> Loop)> Loops()
        {
            var gone = new bool[_parts.Length]; // along a pixel's upper edge: each loop goes to the right somewhere
            for (var i = 0; i < _parts.Length; i++)
                if (_parts[i] > 0 && !gone[i] && PartAt(i % _width, i / _width - 1) == 0)
                    yield return (_parts[i], Follow(i % _width, i / _width, gone));
        }

        private int PartAt(int x, int y) => x < 0 || y < 0 || x >= _width || y >= _height ? 0 : _parts[y * _width + x];

        /// <summary>From a pixel's upper left corner along its upper edge, the inside to the right, and round to where it began.</summary>
        private List<(int X, int Y)> Follow(int startX, int startY, bool[] gone)
        {
            var loop = new List<(int X, int Y)>();
            var (x, y, side) = (startX, startY, 0);
            do
            {
                if (side == 0)
                    gone[y * _width + x] = true;
                (x, y) = (x + s_sides[side].X, y + s_sides[side].Y);
                var turn = Turn(x, y, side);
                if (turn != side)
                    loop.Add((x, y));
                side = turn;
            } while ((x, y, side) != (startX, startY, 0));
            return loop;
        }

        /// <summary>Where the line goes on at a corner: to the right where it can, so that pixels which touch at a corner stay
        /// apart.</summary>
        private int Turn(int x, int y, int side)
        {
            for (var i = 1; i >= -1; i--)
            {
                var next = (side + i + 4) % 4;
                var (right, before) = next switch
                {
                    0 => (PartAt(x, y), PartAt(x, y - 1)),
                    1 => (PartAt(x - 1, y), PartAt(x, y)),
                    2 => (PartAt(x - 1, y - 1), PartAt(x - 1, y)),
                    _ => (PartAt(x, y - 1), PartAt(x - 1, y - 1)),
                };
                if (right > 0 && before == 0)
                    return next;
            }
            throw new InvalidOperationException("An outline ends.");
        }
    }
}
