using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>What the label files of a published data set hold.</summary>
/// <param name="Classes">Names in index order.</param>
/// <param name="Entries">The class of each value, or <see cref="LabelTable.Ignore"/>.</param>
/// <param name="Palette">The colours that publications draw it in.</param>
internal sealed record KnownLabels(string[] Classes, IReadOnlyList<KeyValuePair<int, byte>> Entries, Rgb[] Palette)
{
    /// <summary>Values 0, 1, 2 … are the classes, further ones are ignored.</summary>
    public static KnownLabels InOrder(string classes, string palette, int first = 0, params int[] ignored)
    {
        var names = Names(classes);
        return new(
            names,
            [
                .. ignored.Where(value => value < first).Select(Ignored),
                .. names.Select((_, i) => KeyValuePair.Create(first + i, (byte)i)),
                .. ignored.Where(value => value >= first).Select(Ignored),
            ],
            Colors(palette)
        );
    }

    /// <summary>0 is this class's value.</summary>
    public bool IsZero(string name) =>
        Entries.Any(entry => entry.Key == 0 && entry.Value != LabelTable.Ignore && Classes[entry.Value] == name);

    /// <summary>Names between commas.</summary>
    public static string[] Names(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>RRGGBB between spaces.</summary>
    public static Rgb[] Colors(string text) =>
        [
            .. text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
                .Select(color => Rgb.TryParse("#" + color, out var rgb) ? rgb : throw new FormatException(color)),
        ];

    public static KeyValuePair<int, byte> Ignored(int value) => new(value, LabelTable.Ignore);
}
