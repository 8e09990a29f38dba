using System.Numerics;
using Tessera.Framework.Data;
using Tessera.Models.Explanation;

namespace Tessera.Explaining;

/// <summary>A number for each place of an image: how much it speaks for what is explained.</summary>
/// <param name="Values">[Height * Width], row by row; NaN where nothing is known: what the model was not shown.</param>
public sealed record RelevanceMap(int Height, int Width, float[] Values)
{
    public float this[int row, int column] => Values[(row * Width) + column];

    /// <summary>The smallest of the values; 0 where there is none.</summary>
    public float Least => Values.Where(float.IsFinite).DefaultIfEmpty().Min();

    /// <summary>The greatest of the values; 0 where there is none.</summary>
    public float Greatest => Values.Where(float.IsFinite).DefaultIfEmpty().Max();

    /// <summary>Whether it tells no place from another: colours would show rounding.</summary>
    public bool IsConstant => MapRange.IsConstant(Least, Greatest);

    /// <summary>The same over the image that a transformed one was made of, bilinear. What the model was not shown, because it was cropped
    /// away, is NaN.</summary>
    /// <param name="geometry">What was done to the image of which this is the map.</param>
    /// <param name="height">Rows wanted for the whole original image: its own, or fewer, or more.</param>
    /// <param name="width">Columns wanted.</param>
    public RelevanceMap On(Geometry geometry, int height, int width)
    {
        var values = new float[height * width];
        var (right, down) = ((float)geometry.OriginalWidth / width, (float)geometry.OriginalHeight / height);
        for (var row = 0; row < height; row++)
        for (var column = 0; column < width; column++)
        {
            var place = Vector2.Transform(new Vector2((column + 0.5f) * right, (row + 0.5f) * down), geometry.Transform);
            values[(row * width) + column] = At(place.X, place.Y);
        }
        return new RelevanceMap(height, width, values);
    }

    // Corners of pixels at integers; less than half a pixel beyond the image is rounding of sizes.
    private float At(float x, float y)
    {
        if (!(x > -0.5f && x < Width + 0.5f && y > -0.5f && y < Height + 0.5f))
            return float.NaN;
        var (left, shareX) = Split(x, Width);
        var (top, shareY) = Split(y, Height);
        var (right, bottom) = (Math.Min(left + 1, Width - 1), Math.Min(top + 1, Height - 1));
        var upper = (this[top, left] * (1 - shareX)) + (this[top, right] * shareX);
        var lower = (this[bottom, left] * (1 - shareX)) + (this[bottom, right] * shareX);
        return (upper * (1 - shareY)) + (lower * shareY);
    }

    private static (int First, float Share) Split(float at, int count)
    {
        var middle = Math.Clamp(at - 0.5f, 0, count - 1);
        var first = (int)middle;
        return (first, middle - first);
    }
}
