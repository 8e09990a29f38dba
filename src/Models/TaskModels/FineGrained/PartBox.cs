namespace Tessera.Models.TaskModels.FineGrained;

/// <summary>A part of an image in whole pixels; right and bottom lie outside of it. It may reach beyond the image.</summary>
internal readonly record struct PartBox(int Left, int Top, int Right, int Bottom)
{
    private double Area => (double)(Right - Left) * (Bottom - Top);

    public double Iou(PartBox other)
    {
        var width = Math.Min(Right, other.Right) - Math.Max(Left, other.Left);
        var height = Math.Min(Bottom, other.Bottom) - Math.Max(Top, other.Top);
        if (width <= 0 || height <= 0)
            return 0;
        var shared = (double)width * height;
        return shared / (Area + other.Area - shared);
    }
}
