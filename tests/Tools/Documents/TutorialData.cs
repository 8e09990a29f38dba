using System.Globalization;
using System.Text;
using System.Text.Json;
using Tessera.Datasets.Images;
using Tessera.Datasets.Synthetic;
using Tessera.Framework.Data;

namespace Tessera.Tests.Tools.Documents;

/// <summary>Drawn shapes as the folders of files that the tutorials begin with.</summary>
internal static class TutorialData
{
    private static readonly string[] s_shapes = ["circle", "square", "star"];

    /// <summary>Photographs whose names begin with their class.</summary>
    public static void Pets(PageFolder folder, int count, int size)
    {
        var shapes = Draw(DataTask.Classification, count, size, s_shapes);
        for (var i = 0; i < count; i++)
            folder.Write($"data/pets/photos/{shapes.Info.Classes[shapes.Get(i).Truth.Label!.Value]}_{Number(i)}.png", Png(shapes, i));
    }

    /// <summary>Photographs and a list of several labels each.</summary>
    public static void Kitchen(PageFolder folder, int count, int size)
    {
        string[] names = ["cup", "fork", "spoon"];
        var shapes = Draw(DataTask.MultiLabel, count, size, s_shapes);
        var list = new StringBuilder("image,labels\n");
        for (var i = 0; i < count; i++)
        {
            folder.Write($"data/kitchen/photos/{Number(i)}.png", Png(shapes, i));
            var shown = shapes.Get(i).Truth.MultiLabel!;
            list.Append(CultureInfo.InvariantCulture, $"{Number(i)}.png,{string.Join(';', names.Where((_, c) => shown[c] > 0))}\n");
        }
        folder.Write("data/kitchen/all.csv", Encoding.UTF8.GetBytes(list.ToString()));
    }

    /// <summary>Photographs and a list of diameters in pixels.</summary>
    public static void Discs(PageFolder folder, int count, int size)
    {
        var shapes = Draw(DataTask.Regression, count, size, s_shapes);
        var list = new StringBuilder("image,diameter\n");
        for (var i = 0; i < count; i++)
        {
            folder.Write($"data/discs/photos/{Number(i)}.png", Png(shapes, i));
            list.Append(CultureInfo.InvariantCulture, $"{Number(i)}.png,{shapes.Get(i).Truth.Targets![2] * 36:0.0}\n");
        }
        folder.Write("data/discs/all.csv", Encoding.UTF8.GetBytes(list.ToString()));
    }

    /// <summary>Photographs and masks: 0 for the ground, 1 and 2 for two shapes.</summary>
    public static void Leaves(PageFolder folder, int count, int size)
    {
        var shapes = Draw(DataTask.Segmentation, count, size, ["circle", "star"]);
        for (var i = 0; i < count; i++)
        {
            folder.Write($"data/leaves/photos/{Number(i)}.png", Png(shapes, i));
            folder.Write($"data/leaves/masks/{Number(i)}.png", ImageCodec.EncodePng(shapes.Get(i).Truth.SegmentationMap!));
        }
    }

    /// <summary>Photographs, and beside each LabelMe's file of its boxes.</summary>
    public static void Cells(PageFolder folder, int count, int size)
    {
        string[] names = ["red", "white"];
        var shapes = Draw(DataTask.Detection, count, size, ["circle", "star"]);
        for (var i = 0; i < count; i++)
        {
            folder.Write($"data/cells/photos/{Number(i)}.png", Png(shapes, i));
            var boxes = shapes.Get(i).Truth.Boxes!;
            var labelMe = new
            {
                version = "5.4.1",
                imagePath = $"{Number(i)}.png",
                imageHeight = size,
                imageWidth = size,
                shapes = boxes.Labels.Select(
                    (label, n) =>
                        new
                        {
                            label = names[label],
                            shape_type = "rectangle",
                            points = new[] { boxes.Corners[(4 * n)..(4 * n + 2)], boxes.Corners[(4 * n + 2)..(4 * n + 4)] },
                        }
                ),
            };
            folder.Write($"data/cells/photos/{Number(i)}.json", JsonSerializer.SerializeToUtf8Bytes(labelMe));
        }
    }

    private static Shapes Draw(DataTask task, int count, int size, string[] classes) =>
        new(new ShapesOptions(Count: count, Size: size, Task: task, Classes: classes, Clutter: 2));

    private static byte[] Png(Shapes shapes, int index) => ImageCodec.EncodePng(shapes.Get(index).Image!.Decode());

    private static string Number(int index) => (index + 1).ToString("0000", CultureInfo.InvariantCulture);
}
