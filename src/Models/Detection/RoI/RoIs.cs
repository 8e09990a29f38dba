namespace Tessera.Models.Detection.RoI;

/// <summary>Regions of interest of a batch's images.</summary>
/// <param name="Boxes">In pixels of the batch's tensor.</param>
/// <param name="Images">[Boxes.Count], the position in the batch of each box's image.</param>
public sealed record RoIs(BoxArray Boxes, int[] Images)
{
    public int Count => Images.Length;

    /// <summary>The boxes of each image, image after image.</summary>
    /// <param name="images">One for each image.</param>
    public static RoIs Of(IReadOnlyList<BoxArray> images)
    {
        var all = new RoIs(BoxArray.WithRoom(images.Sum(boxes => boxes.Count)), new int[images.Sum(boxes => boxes.Count)]);
        var count = 0;
        for (var image = 0; image < images.Count; image++)
        {
            var boxes = images[image];
            boxes.X1.CopyTo(all.Boxes.X1, count);
            boxes.Y1.CopyTo(all.Boxes.Y1, count);
            boxes.X2.CopyTo(all.Boxes.X2, count);
            boxes.Y2.CopyTo(all.Boxes.Y2, count);
            Array.Fill(all.Images, image, count, boxes.Count);
            count += boxes.Count;
        }
        return all;
    }

    /// <summary>[N, 4], xyxy.</summary>
    internal float[] Corners()
    {
        var corners = new float[4 * Count];
        for (var i = 0; i < Count; i++)
            Boxes.CopyTo(i, corners.AsSpan(4 * i, 4));
        return corners;
    }

    /// <summary>Some of the regions.</summary>
    /// <param name="rows">Their indices.</param>
    internal RoIs At(IReadOnlyList<int> rows)
    {
        var some = new RoIs(BoxArray.WithRoom(rows.Count), new int[rows.Count]);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            (some.Boxes.X1[i], some.Boxes.Y1[i]) = (Boxes.X1[row], Boxes.Y1[row]);
            (some.Boxes.X2[i], some.Boxes.Y2[i], some.Images[i]) = (Boxes.X2[row], Boxes.Y2[row], Images[row]);
        }
        return some;
    }
}
