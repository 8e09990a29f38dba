using System.Globalization;
using System.Numerics;

namespace Tessera.Datasets.Images.Geometry;

/// <summary>
/// From a point (x, y) of a result back to the source's: ((A x + B y + C) / w, (D x + E y + F) / w) with w = G x + H y + 1; pixel corners
/// lie at integers. With G = H = 0 it is affine.
/// </summary>
internal readonly record struct WayBack(double A, double B, double C, double D, double E, double F, double G = 0, double H = 0)
{
    public bool IsAffine => G == 0 && H == 0;

    public static WayBack Sheared(double x, double y) => new(1, x, 0, y, 1, 0);

    /// <param name="x">Pixels that the content goes to the right.</param>
    /// <param name="y">Pixels that it goes down.</param>
    public static WayBack Shifted(double x, double y) => new(1, 0, -x, 0, 1, -y);

    /// <summary>The content turns counterclockwise about the middle.</summary>
    public static WayBack Turned(double degrees, int height, int width)
    {
        var radians = -degrees * (Math.PI / 180);
        var (cos, sin) = (Rounded(Math.Cos(radians)), Rounded(Math.Sin(radians)));
        var (x, y) = (width / 2.0, height / 2.0);
        return new(cos, sin, (cos * -x) + (sin * -y) + x, -sin, cos, (-sin * -x) + (cos * -y) + y);
    }

    /// <summary>The map that takes four points of the result to four of the source.</summary>
    /// <param name="from">[4], of the result.</param>
    /// <param name="to">[4], of the source.</param>
    /// <returns>null where no such map exists: three of the points lie on a line.</returns>
    public static WayBack? Between(ReadOnlySpan<(double X, double Y)> from, ReadOnlySpan<(double X, double Y)> to)
    {
        // Two equations for each point: A x + B y + C - G x u - H y u = u, and the same of v.
        var rows = new double[8, 9];
        for (var i = 0; i < 4; i++)
        {
            var ((x, y), (u, v)) = (from[i], to[i]);
            double[] first = [x, y, 1, 0, 0, 0, -x * u, -y * u, u],
                second = [0, 0, 0, x, y, 1, -x * v, -y * v, v];
            for (var k = 0; k < 9; k++)
                (rows[2 * i, k], rows[2 * i + 1, k]) = (first[k], second[k]);
        }
        return Solve(rows) is [var a, var b, var c, var d, var e, var f, var g, var h] ? new WayBack(a, b, c, d, e, f, g, h) : null;
    }

    public (double X, double Y) Of(double x, double y)
    {
        var w = (G * x) + (H * y) + 1;
        return (((A * x) + (B * y) + C) / w, ((D * x) + (E * y) + F) / w);
    }

    /// <summary>From the source to the result.</summary>
    public WayBack Inverse()
    {
        // The adjugate, scaled so that its last entry is 1.
        var last = (A * E) - (B * D);
        return new(
            (E - (F * H)) / last,
            ((C * H) - B) / last,
            ((B * F) - (C * E)) / last,
            ((F * G) - D) / last,
            (A - (C * G)) / last,
            ((C * D) - (A * F)) / last,
            ((D * H) - (E * G)) / last,
            ((B * G) - (A * H)) / last
        );
    }

    /// <summary>From the source to the result, of an affine map.</summary>
    public Matrix3x2 Forward()
    {
        var way = Inverse();
        return new((float)way.A, (float)way.D, (float)way.B, (float)way.E, (float)way.C, (float)way.F);
    }

    /// <summary>To 15 decimals, exactly; Math.Round multiplies by their power of ten first, which is a rounding of its own.</summary>
    private static double Rounded(double value) =>
        double.Parse(value.ToString("F15", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>Gauss and Jordan, by the largest pivots.</summary>
    private static double[]? Solve(double[,] rows)
    {
        for (var column = 0; column < 8; column++)
        {
            var pivot = column;
            for (var row = column + 1; row < 8; row++)
                if (Math.Abs(rows[row, column]) > Math.Abs(rows[pivot, column]))
                    pivot = row;
            if (Math.Abs(rows[pivot, column]) < 1e-9)
                return null;
            for (var k = 0; k < 9; k++)
                (rows[column, k], rows[pivot, k]) = (rows[pivot, k], rows[column, k]);
            for (var row = 0; row < 8; row++)
            {
                var factor = rows[row, column] / rows[column, column];
                for (var k = column; row != column && k < 9; k++)
                    rows[row, k] -= factor * rows[column, k];
            }
        }
        var solution = new double[8];
        for (var i = 0; i < 8; i++)
            solution[i] = rows[i, 8] / rows[i, i];
        return solution;
    }
}
