namespace Tessera.Datasets.Segmentation.Known;

/// <summary>The 20 classes of Pascal VOC, and the background; 255 lies around objects.</summary>
internal static class VocLabels
{
    private const string Names = """
        background, aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, motorbike, person,
        pottedplant, sheep, sofa, train, tvmonitor
        """;

    private const string Colors = """
        000000 800000 008000 808000 000080 800080 008080 808080 400000 C00000 408000 C08000 400080 C00080 408080 C08080 004000 804000
        00C000 80C000 004080
        """;

    public static KnownLabels Labels { get; } = KnownLabels.InOrder(Names, Colors, ignored: 255);
}
