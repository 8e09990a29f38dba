using static TorchSharp.torch;

namespace Tessera.Models.Detection.Transformers;

/// <summary>Which cells of a map lie on the image, and not on the padding around it.</summary>
/// <param name="Rows">[H].</param>
/// <param name="Columns">[W].</param>
internal sealed record MapCells(bool[] Rows, bool[] Columns)
{
    /// <summary>Whether there is no padding.</summary>
    public bool IsWhole => !Rows.Contains(false) && !Columns.Contains(false);

    /// <param name="image">Height and width of the tensor that the image lies in.</param>
    /// <param name="map">Height and width of the map.</param>
    public static MapCells Of(ImageArea area, (int Height, int Width) image, (int Height, int Width) map) =>
        new(Along(area.Top, area.Bottom, image.Height, map.Height), Along(area.Left, area.Right, image.Width, map.Width));

    /// <summary>A cell stands for the pixel at its beginning, as where a mask is resized to the nearest.</summary>
    private static bool[] Along(float from, float to, int pixels, int cells)
    {
        var scale = (float)pixels / cells;
        var inside = new bool[cells];
        for (var i = 0; i < cells; i++)
            inside[i] = Math.Min((int)(i * scale), pixels - 1) is var pixel && pixel >= MathF.Floor(from) && pixel < to;
        if (!inside.Contains(true)) // an image narrower than a cell
            inside[Math.Clamp((int)((from + to) / 2 / scale), 0, cells - 1)] = true;
        return inside;
    }
}

/// <summary>Sines and cosines of a cell's row and column, counted over the image without padding.</summary>
/// <remarks>Carion et al., 2020, arXiv:2005.12872, appendix A.4, normalised to 2π as in its code.</remarks>
internal static class SinePositions
{
    private const double Temperature = 10_000;
    private const double Guard = 1e-6;

    /// <param name="cells">Of each image; one, where all are alike.</param>
    /// <param name="channels">C, a multiple of 4.</param>
    /// <returns>[cells.Count, H · W, C]: C / 2 of the row, then of the column; by turns a sine and a cosine.</returns>
    public static Tensor Of(IReadOnlyList<MapCells> cells, int channels, Device device)
    {
        using var scope = NewDisposeScope();
        var images = cells
            .Select(image =>
            {
                var (height, width) = (image.Rows.Length, image.Columns.Length);
                var rows = Waves(image.Rows, channels / 2).unsqueeze(1).expand(height, width, -1);
                var columns = Waves(image.Columns, channels / 2).unsqueeze(0).expand(height, width, -1);
                return cat([rows, columns], 2).flatten(0, 1); // [H * W, C]
            })
            .ToArray();
        return scope.MoveToOuter(stack(images).to(device));
    }

    /// <returns>[cells, channels].</returns>
    private static Tensor Waves(bool[] inside, int channels)
    {
        var values = new float[inside.Length * channels];
        var (count, all) = (0, inside.Count(cell => cell));
        for (var i = 0; i < inside.Length; i++)
        {
            if (inside[i])
                count++;
            var place = count / (all + Guard) * 2 * Math.PI;
            for (var c = 0; c < channels; c++)
            {
                var angle = place / Math.Pow(Temperature, 2 * (c / 2) / (double)channels);
                values[(i * channels) + c] = (float)(c % 2 == 0 ? Math.Sin(angle) : Math.Cos(angle));
            }
        }
        return tensor(values).view(inside.Length, channels);
    }
}
