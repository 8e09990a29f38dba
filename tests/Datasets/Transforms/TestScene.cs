using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Transforms;

/// <summary>A picture of two rectangles on black, with everything that a sample can carry; so that what moved can be told from what should
/// have.</summary>
internal static class TestScene
{
    public const int Height = 60,
        Width = 80;

    private static readonly int[][] Rectangles =
    [
        [8, 10, 30, 26],
        [44, 28, 70, 52],
    ]; // x1, y1, x2, y2

    /// <param name="type">Of the image. Its channels hold 200 in the first rectangle and 100 in the second.</param>
    public static Sample Create(int channels = 3, PixelType type = PixelType.UInt8)
    {
        var image = new Image(Height, Width, channels, type);
        var map = new Image(Height, Width, 1);
        var depth = new Image(Height, Width, 1, PixelType.Float32);
        var masks = new List<Image>();
        for (var r = 0; r < Rectangles.Length; r++)
        {
            var mask = new Image(Height, Width, 1);
            for (var y = Rectangles[r][1]; y < Rectangles[r][3]; y++)
            {
                for (var x = Rectangles[r][0]; x < Rectangles[r][2]; x++)
                {
                    var i = y * Width + x;
                    mask.Bytes[i] = 1;
                    map.Bytes[i] = (byte)(r + 1);
                    depth.Pixels<float>()[i] = 200 - 100 * r;
                    for (var c = 0; c < channels; c++)
                        Set(image, i * channels + c, 200 - 100 * r);
                }
            }
            masks.Add(mask);
        }
        var sample = new Sample
        {
            Index = 3,
            Name = "scene",
            Image = new(image),
            Truth =
            {
                SegmentationMap = map,
                InstanceMasks = masks,
                Boxes = new Boxes([.. Rectangles.SelectMany(r => r).Select(v => (float)v)], [5, 6], [false, true]),
            },
        };
        sample.Truth.ExtraMaps["depth"] = depth;
        return sample;
    }

    public static double Value(Image image, int i) =>
        image.Type switch
        {
            PixelType.UInt8 => image.Pixels<byte>()[i],
            PixelType.UInt16 => image.Pixels<ushort>()[i],
            _ => image.Pixels<float>()[i],
        };

    private static void Set(Image image, int i, int value)
    {
        switch (image.Type)
        {
            case PixelType.UInt8:
                image.Pixels<byte>()[i] = (byte)value;
                break;
            case PixelType.UInt16:
                image.Pixels<ushort>()[i] = (ushort)value;
                break;
            default:
                image.Pixels<float>()[i] = value;
                break;
        }
    }
}
