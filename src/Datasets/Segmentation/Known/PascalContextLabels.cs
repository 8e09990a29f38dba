namespace Tessera.Datasets.Segmentation.Known;

/// <summary>The 59 classes of Pascal Context, and the background.</summary>
internal static class PascalContextLabels
{
    private const string Names = """
        background, aeroplane, bag, bed, bedclothes, bench, bicycle, bird, boat, book, bottle, building, bus, cabinet, car, cat, ceiling,
        chair, cloth, computer, cow, cup, curtain, dog, door, fence, floor, flower, food, grass, ground, horse, keyboard, light, motorbike,
        mountain, mouse, person, plate, platform, pottedplant, road, rock, sheep, shelves, sidewalk, sign, sky, snow, sofa, table, track,
        train, tree, truck, tvmonitor, wall, water, window, wood
        """;

    private const string Colors = """
        787878 B47878 06E6E6 503232 04C803 787850 8C8C8C CC05FF E6E6E6 04FA07 E005FF EBFF07 96053D 787846 08FF33 FF0652 8FFF8C CCFF04
        FF3307 CC4603 0066C8 3DE6FA FF0633 0B66FF FF0747 FF09E0 0907E6 DCDCDC FF095C 7009FF 08FFD6 07FFE0 FFB806 0AFF47 FF290A 07FFFF
        E0FF08 6608FF FF3D06 FFC207 FF7A08 00FF14 FF0829 FF0599 0633FF EB0CFF A09614 00A3FF 8C8C8C FA0A0F 14FF00 1FFF00 FF1F00 FFE000
        99FF00 0000FF FF4700 00EBFF 00ADFF 1F00FF
        """;

    public static KnownLabels Labels { get; } = KnownLabels.InOrder(Names, Colors, ignored: 255);
}
