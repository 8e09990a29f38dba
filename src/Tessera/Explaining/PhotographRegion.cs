using System.Globalization;
using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Explanation.Targets;

namespace Tessera.Explaining;

/// <summary>"road@10:20:90:120": a class, over a rectangle of the photograph.</summary>
internal readonly record struct PhotographRegion(string Class, int[] Corners)
{
    public static bool TryParse(string text, out PhotographRegion region)
    {
        var at = text.LastIndexOf('@');
        var parts = at < 0 ? [] : text[(at + 1)..].Split(':');
        var corners = parts
            .Select(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : -1)
            .ToArray();
        region = new PhotographRegion(at < 0 ? "" : text[..at], corners);
        return corners.Length == 4 && corners.All(corner => corner >= 0);
    }

    /// <param name="one">The photograph as the model takes it.</param>
    /// <param name="label">Of the class.</param>
    /// <exception cref="Framework.Errors.UserErrorException">It lies outside of the image.</exception>
    public PixelTarget Over(VisionModel model, Batch one, int label, IReadOnlyList<string> names)
    {
        var transform = one.Samples[0].Geometry?.Transform ?? Matrix3x2.Identity;
        var first = Vector2.Transform(new(Corners[0], Corners[1]), transform);
        var last = Vector2.Transform(new(Corners[2], Corners[3]), transform);
        var (height, width) = ((int)one.Images.shape[2], (int)one.Images.shape[3]);
        var region = PixelTarget.Rectangle(
            height,
            width,
            ((int)MathF.Round(first.X), (int)MathF.Round(first.Y), (int)MathF.Round(last.X), (int)MathF.Round(last.Y))
        );
        return PixelTarget.OfRegion(model, one.Images, [label], names, region);
    }
}
