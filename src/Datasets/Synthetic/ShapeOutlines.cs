using System.Numerics;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>The outlines of the shapes, within the unit circle; proportions vary within bounds that keep the classes apart.</summary>
internal static class ShapeOutlines
{
    private const int RoundPoints = 40;

    private static readonly Vector2[] UnitCircle = Regular(RoundPoints, 0);

    private static readonly Vector2[] Heart = MakeHeart();

    private static readonly Dictionary<string, Func<RandomSource, Vector2[][]>> Makers = new()
    {
        ["circle"] = _ => [UnitCircle],
        ["square"] = _ => [Regular(4, MathF.PI / 4)],
        ["triangle"] = _ => [Regular(3, MathF.PI / 2)],
        ["star"] = random => [Star(5, Between(random, 0.36f, 0.5f))],
        ["cross"] = random => [Cross(Between(random, 0.24f, 0.36f))],
        ["ring"] = random => [UnitCircle, Hole(Between(random, 0.45f, 0.68f))],
        ["hexagon"] = _ => [Regular(6, 0)],
        ["heart"] = _ => [Heart],
        ["crescent"] = random => [Crescent(Between(random, 0.45f, 0.6f))],
        ["arrow"] = random => [Arrow(Between(random, 0.16f, 0.26f), Between(random, -0.05f, 0.2f))],
    };

    /// <summary>Every shape's name, in a fixed order.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Makers.Keys];

    /// <summary>Outlines of a shape, the outer one first, then its holes.</summary>
    public static Vector2[][] Make(string name, RandomSource random) => Makers[name](random);

    /// <summary>A closed, smooth, irregular outline about the origin.</summary>
    public static Vector2[] Blob(RandomSource random)
    {
        var points = new Vector2[18];
        var (a, b, p, q) = (
            Between(random, 0.05f, 0.3f),
            Between(random, 0, 0.2f),
            Between(random, 0, MathF.Tau),
            Between(random, 0, MathF.Tau)
        );
        for (var i = 0; i < points.Length; i++)
        {
            var angle = MathF.Tau * i / points.Length;
            var radius = 1 + a * MathF.Sin(2 * angle + p) + b * MathF.Sin(3 * angle + q);
            points[i] = radius * new Vector2(MathF.Cos(angle), MathF.Sin(angle));
        }
        return points;
    }

    private static float Between(RandomSource random, float low, float high) => (float)random.Uniform(low, high);

    private static Vector2[] Regular(int corners, float start) =>
        [.. Enumerable.Range(0, corners).Select(i => OnCircle(start + MathF.Tau * i / corners))];

    private static Vector2 OnCircle(float angle) => new(MathF.Cos(angle), MathF.Sin(angle));

    private static Vector2[] Hole(float radius)
    {
        var points = new Vector2[RoundPoints];
        for (var i = 0; i < points.Length; i++)
            points[i] = UnitCircle[^(i + 1)] * radius;
        return points;
    }

    private static Vector2[] Star(int points, float inner)
    {
        var corners = Regular(2 * points, MathF.PI / 2);
        for (var i = 1; i < corners.Length; i += 2)
            corners[i] *= inner;
        return corners;
    }

    private static Vector2[] Cross(float arm)
    {
        const float reach = 0.95f;
        return
        [
            new(arm, arm),
            new(arm, reach),
            new(-arm, reach),
            new(-arm, arm),
            new(-reach, arm),
            new(-reach, -arm),
            new(-arm, -arm),
            new(-arm, -reach),
            new(arm, -reach),
            new(arm, -arm),
            new(reach, -arm),
            new(reach, arm),
        ];
    }

    private static Vector2[] MakeHeart()
    {
        var points = new Vector2[RoundPoints];
        for (var i = 0; i < points.Length; i++)
        {
            var t = MathF.Tau * i / points.Length;
            var x = 16 * MathF.Pow(MathF.Sin(t), 3);
            var y = 13 * MathF.Cos(t) - 5 * MathF.Cos(2 * t) - 2 * MathF.Cos(3 * t) - MathF.Cos(4 * t);
            points[i] = new Vector2(x, -y - 2.5f) / 16.5f;
        }
        return points;
    }

    /// <summary>The unit circle less a circle of the same size, moved aside by <paramref name="offset"/>.</summary>
    private static Vector2[] Crescent(float offset)
    {
        // Both circles have radius 1: they meet at x = offset / 2, and the inner arc is the outer one's mirror image there.
        const int half = RoundPoints / 2;
        var meeting = MathF.Acos(offset / 2);
        var points = new Vector2[2 * half];
        for (var i = 0; i < half; i++)
        {
            points[i] = OnCircle(meeting + (MathF.Tau - 2 * meeting) * i / half);
            var inner = OnCircle(MathF.PI + meeting * (1 - 2f * i / half));
            points[half + i] = inner + new Vector2(offset, 0);
        }
        return points;
    }

    private static Vector2[] Arrow(float shaft, float neck) =>
        [new(1, 0), new(neck, 0.7f), new(neck, shaft), new(-0.95f, shaft), new(-0.95f, -shaft), new(neck, -shaft), new(neck, -0.7f)];
}
