using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>Draws scenes: a textured ground, clutter, shapes, a little clutter before them; then light and noise.</summary>
/// <param name="classes">What a class shows: a shape, and the small shape on it, where there is one.</param>
/// <param name="markScale">Radius of the small shape, relative to its shape's.</param>
internal sealed class ShapePainter(
    (string Shape, string? Mark)[] classes,
    int size,
    int maxShapes,
    double minScale,
    double maxScale,
    int clutter,
    double contrast,
    double noise,
    bool masks,
    double markScale
)
{
    private readonly ThreadLocal<Canvas> _canvas = new(() => new Canvas(size, size));
    private readonly float _unit = size / 48f; // details are laid out for 48 pixels

    /// <summary>The label of the first shape that <see cref="Paint"/> draws from the same source.</summary>
    public int FirstLabel(RandomSource random) => random.Next(classes.Length);

    public ShapeScene Paint(RandomSource random)
    {
        var firstLabel = FirstLabel(random);
        var canvas = _canvas.Value!;
        var ground = new Palette(random);
        canvas.Clear(ground.Texture(random, PickKind(random), Between(random, 5, 16) * _unit));
        var scraps = random.Next(clutter + 1);
        for (var i = 0; i < scraps; i++)
            PaintScrap(canvas, random, ground);
        var marks = new List<(string Name, Vector2 Center, float Radius, Palette Under)>();
        var shapes = PaintShapes(canvas, random, firstLabel, ground, marks);
        var before = random.Next(clutter / 3 + 1);
        for (var i = 0; i < before; i++)
            PaintLine(canvas, random, Palette.AnyColor(random), Between(random, 0.5f, 1.1f));
        var light = new Vector2(Between(random, -0.3f, 0.3f), Between(random, -0.3f, 0.3f));
        var grain = (float)random.Uniform(0, noise);
        foreach (var (name, center, radius, under) in marks) // last: a scene is the same without them
            PaintMark(canvas, random, name, center, radius, under);
        var image = canvas.Develop(light, grain, random);
        return new ShapeScene(image, shapes);
    }

    private List<PaintedShape> PaintShapes(
        Canvas canvas,
        RandomSource random,
        int firstLabel,
        Palette ground,
        List<(string Name, Vector2 Center, float Radius, Palette Under)> marks
    )
    {
        var count = 1 + random.Next(maxShapes);
        var shapes = new List<PaintedShape>(count);
        var places = new List<(Vector2 Center, float Radius)>(count);
        for (var i = 0; i < count; i++)
        {
            var label = i == 0 ? firstLabel : random.Next(classes.Length);
            if (FindPlace(random, places) is not { } place)
                continue;
            places.Add(place);
            var mask = masks ? new byte[size * size] : null;
            var palette = new Palette(random, ground, (float)contrast);
            var (shape, mark) = classes[label];
            AddShape(canvas, random, shape, place.Center, place.Radius);
            canvas.Paint(palette.Texture(random, PickKind(random), Between(random, 3, 8) * _unit), 1, mask);
            if (mask is not null)
                Hide(shapes, mask);
            if (mark is not null)
                marks.Add((mark, place.Center, place.Radius, palette));
            shapes.Add(new PaintedShape(label, [place.Center.X / size, place.Center.Y / size, 2 * place.Radius / size], mask));
        }
        return shapes;
    }

    /// <summary>A place that overlaps earlier shapes a little at most; the first shape always finds one.</summary>
    private (Vector2 Center, float Radius)? FindPlace(RandomSource random, List<(Vector2 Center, float Radius)> taken)
    {
        for (var attempt = 0; attempt < 12; attempt++)
        {
            var radius = (float)random.Uniform(minScale, maxScale) * size / 2;
            var margin = Math.Min(radius * 0.9f, size / 2f);
            var center = new Vector2(Between(random, margin, size - margin), Between(random, margin, size - margin));
            if (taken.TrueForAll(other => Vector2.Distance(center, other.Center) > (radius + other.Radius) * 0.8f))
                return (center, radius);
        }
        return null;
    }

    /// <summary>What the new shape covers is no longer seen of the earlier ones.</summary>
    private static void Hide(List<PaintedShape> shapes, byte[] mask)
    {
        foreach (var shape in shapes)
            for (var i = 0; i < mask.Length; i++)
                if (mask[i] != 0)
                    shape.Mask![i] = 0;
    }

    private static void AddShape(Canvas canvas, RandomSource random, string name, Vector2 center, float radius)
    {
        var turn = Matrix3x2.CreateRotation(Between(random, 0, MathF.Tau));
        var squeeze = Matrix3x2.CreateScale(1, Between(random, 0.78f, 1));
        var placed =
            turn
            * squeeze
            * Matrix3x2.CreateRotation(Between(random, 0, MathF.Tau))
            * Matrix3x2.CreateScale(radius)
            * Matrix3x2.CreateTranslation(center);
        foreach (var outline in ShapeOutlines.Make(name, random))
            Add(canvas, outline, placed);
    }

    /// <summary>A small shape of one colour at any place about the middle of another, over whatever texture that has.</summary>
    private void PaintMark(Canvas canvas, RandomSource random, string mark, Vector2 center, float radius, Palette under)
    {
        var away = Away(random, Between(random, 0, MathF.Max(0, 0.45f - (float)markScale)) * radius);
        AddShape(canvas, random, mark, center + away, (float)markScale * radius);
        canvas.Paint(new Palette(random, under, MathF.Max((float)contrast, 0.3f)).Texture(random, TextureKind.Solid, 1));
    }

    private static void Add(Canvas canvas, ReadOnlySpan<Vector2> outline, Matrix3x2 placed)
    {
        Span<Vector2> points = stackalloc Vector2[outline.Length];
        for (var i = 0; i < points.Length; i++)
            points[i] = Vector2.Transform(outline[i], placed);
        canvas.AddOutline(points);
    }

    /// <summary>Something that is no shape: a line, a blob, an angle or a cluster of dots.</summary>
    private void PaintScrap(Canvas canvas, RandomSource random, Palette ground)
    {
        var color = random.Chance(0.5) ? ground.Near(random) : Palette.AnyColor(random);
        switch (random.Next(5))
        {
            case 0 or 1:
                PaintLine(canvas, random, color, Between(random, 0.5f, 1.6f));
                break;
            case 2:
                var spread =
                    Matrix3x2.CreateScale(Between(random, 1.2f, 4) * _unit, Between(random, 1.2f, 4) * _unit)
                    * Matrix3x2.CreateRotation(Between(random, 0, MathF.Tau))
                    * Matrix3x2.CreateTranslation(Anywhere(random));
                Add(canvas, ShapeOutlines.Blob(random), spread);
                canvas.Paint(new Texture(color), Between(random, 0.5f, 1));
                break;
            case 3:
                var corner = Anywhere(random);
                var thickness = Between(random, 0.5f, 1.2f) * _unit;
                for (var arm = 0; arm < 2; arm++)
                    AddStroke(canvas, corner, corner + Away(random, Between(random, 4, 10) * _unit), thickness);
                canvas.Paint(new Texture(color));
                break;
            default:
                var middle = Anywhere(random);
                var dots = random.Next(3, 8);
                for (var i = 0; i < dots; i++)
                {
                    var at = middle + Away(random, Between(random, 0, 7) * _unit);
                    AddStroke(canvas, at, at + Away(random, 1.4f * _unit), 0.8f * _unit);
                }
                canvas.Paint(new Texture(color));
                break;
        }
    }

    private void PaintLine(Canvas canvas, RandomSource random, Vector3 color, float thickness)
    {
        var from = Anywhere(random);
        AddStroke(canvas, from, from + Away(random, Between(random, 8, 44) * _unit), thickness * _unit);
        canvas.Paint(new Texture(color), Between(random, 0.6f, 1));
    }

    private static void AddStroke(Canvas canvas, Vector2 from, Vector2 to, float thickness)
    {
        var along = Vector2.Normalize(to - from);
        var aside = new Vector2(-along.Y, along.X) * (thickness / 2);
        canvas.AddOutline([from + aside, to + aside, to - aside, from - aside]);
    }

    private Vector2 Anywhere(RandomSource random) => new(Between(random, 0, size), Between(random, 0, size));

    private static Vector2 Away(RandomSource random, float distance)
    {
        var (sine, cosine) = MathF.SinCos(Between(random, 0, MathF.Tau));
        return new Vector2(cosine, sine) * MathF.Max(distance, 0.1f);
    }

    private static TextureKind PickKind(RandomSource random) => (TextureKind)random.Next(6);

    private static float Between(RandomSource random, float low, float high) => (float)random.Uniform(low, high);
}
