namespace Tessera.Datasets.Segmentation.Known;

/// <summary>The 19 classes that Cityscapes evaluates.</summary>
internal static class CityscapesLabels
{
    private const string Names = """
        road, sidewalk, building, wall, fence, pole, traffic light, traffic sign, vegetation, terrain, sky, person, rider, car, truck, bus,
        train, motorcycle, bicycle
        """;

    private const string Colors = """
        804080 F423E8 464646 66669C BE9999 999999 FAAA1E DCDC00 6B8E23 98FB98 4682B4 DC143C FF0000 00008E 000046 003C64 005064 0000E6 770B20
        """;

    private static readonly int[] Evaluated = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];

    /// <summary>gtFine's labelIds, 0 to 33.</summary>
    public static KnownLabels Ids { get; } =
        new(
            KnownLabels.Names(Names),
            [
                .. Enumerable
                    .Range(0, 34)
                    .Select(id =>
                        KeyValuePair.Create(id, Array.IndexOf(Evaluated, id) is >= 0 and var i ? (byte)i : Framework.Data.LabelTable.Ignore)
                    ),
            ],
            KnownLabels.Colors(Colors)
        );

    /// <summary>labelTrainIds, 0 to 18.</summary>
    public static KnownLabels TrainIds { get; } = KnownLabels.InOrder(Names, Colors, ignored: 255);
}
