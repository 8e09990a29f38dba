using Tessera.Framework.Data;
using Tessera.Framework.Visualization;

namespace Tessera.Generation;

/// <summary>Drawn images in a grid, a row for each class with its name before it.</summary>
public static class SampleSheet
{
    private const double Gap = 4,
        Size = 13;
    private const int SmallestSide = 64; // smaller images are enlarged by a whole factor, so that something can be seen

    private static readonly Rgb s_text = new(40, 40, 40);

    /// <summary>Seeds that are the same for each class and each time, so that sheets can be laid side by side.</summary>
    /// <param name="seed">Another seed, other noise.</param>
    /// <param name="columns">Images in a row.</param>
    public static IReadOnlyList<long> Seeds(long seed, int columns) =>
        [.. Enumerable.Range(0, columns).Select(i => (long)(RandomSource.For(seed, 0, i).NextUInt64() >> 11))];

    /// <param name="rows">A name (or none) and images, all of one size.</param>
    /// <returns>The caller's to dispose.</returns>
    /// <exception cref="ArgumentException">There is no image.</exception>
    public static Drawing Draw(IReadOnlyList<(string? Name, IReadOnlyList<Image> Images)> rows)
    {
        if (rows.Count == 0 || rows.All(row => row.Images.Count == 0))
            throw new ArgumentException("There is no image to show.", nameof(rows));
        var first = rows.First(row => row.Images.Count > 0).Images[0];
        var scale = Math.Max(1, (SmallestSide + first.Height - 1) / first.Height);
        var (height, width) = (first.Height * scale, first.Width * scale);
        double left = Gap;
        using (var ruler = Drawing.Pixels(1, 1))
            foreach (var (name, _) in rows)
                if (name is not null)
                    left = Math.Max(left, ruler.Measure(name, Size).Width + 2 * Gap);
        var drawing = Drawing.Pixels(left + rows.Max(row => row.Images.Count) * (width + Gap), Gap + rows.Count * (height + Gap));
        for (var r = 0; r < rows.Count; r++)
        {
            var top = Gap + r * (height + Gap);
            if (rows[r].Name is { } name)
                drawing.Text(name, left - Gap, top + height / 2.0, Size, s_text, TextAlign.End, TextAlign.Middle);
            for (var i = 0; i < rows[r].Images.Count; i++)
                drawing.Draw(Photograph.Of(rows[r].Images[i]), left + i * (width + Gap), top, width, height, smooth: false);
        }
        return drawing;
    }
}
