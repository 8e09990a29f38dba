using Tessera.Framework.Data;

namespace Tessera.Models.Explanation.Faithfulness;

/// <summary>Where an image's class is, for <see cref="PointingGame"/>.</summary>
public static class TruthRegion
{
    /// <summary>The pixels of a class by the sample's instance masks or, where it has none, its boxes.</summary>
    /// <param name="truth">Of a sample that went through the pipeline of the image that is explained.</param>
    /// <param name="label">Index of the class.</param>
    /// <param name="height">Of the image that is explained.</param>
    /// <param name="width">Of the image that is explained.</param>
    /// <returns>[H * W]; null where the sample has neither, or nothing of the class.</returns>
    /// <exception cref="UserErrorException">The masks have another size than the image.</exception>
    public static bool[]? Of(GroundTruth truth, int label, int height, int width)
    {
        if (truth.Boxes is not { } boxes)
            return null;
        var masks = truth.InstanceMasks is { } given && given.Count == boxes.Count ? given : null;
        var region = new bool[height * width];
        for (var i = 0; i < boxes.Count; i++)
        {
            if (boxes.Labels[i] != label || boxes.Ignored[i])
                continue;
            if (masks is not null)
                Add(region, masks[i], height, width);
            else
                Add(region, boxes.Corners.AsSpan(i * 4, 4), height, width);
        }
        return region.Contains(true) ? region : null;
    }

    private static void Add(bool[] region, Image mask, int height, int width)
    {
        if ((mask.Height, mask.Width) != (height, width))
            throw new UserErrorException(
                $"An object's mask is {mask.Width} x {mask.Height} and the image that is explained {width} x {height}: the masks have to "
                    + "go through the same steps as the image."
            );
        for (var i = 0; i < region.Length; i++)
            region[i] |= mask.Bytes[i] != 0;
    }

    // A pixel counts where its centre lies inside.
    private static void Add(bool[] region, ReadOnlySpan<float> box, int height, int width)
    {
        for (var y = 0; y < height; y++)
        for (var x = 0; x < width; x++)
            region[(y * width) + x] |= x + 0.5f >= box[0] && x + 0.5f < box[2] && y + 0.5f >= box[1] && y + 0.5f < box[3];
    }
}
