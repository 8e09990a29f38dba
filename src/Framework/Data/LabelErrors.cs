using System.Globalization;

namespace Tessera.Framework.Data;

/// <summary>One message for each way in which a label image can be wrong. Each names the file.</summary>
public static class LabelErrors
{
    private const int Named = 5;

    /// <summary>Values that no class claims.</summary>
    public static UserErrorException Unclaimed(string name, LabelTable table, IReadOnlyList<KeyValuePair<int, long>> histogram) =>
        new(
            $"{name}: {UnclaimedValues(table, histogram)}, which label_map lacks. Give "
                + $"{(table.ByColor ? "each colour" : "each value")} a class, or \"ignore\". {Known(table)}"
                + (
                    name.EndsWith(".jpg", StringComparison.OrdinalIgnoreCase) || name.EndsWith(".jpeg", StringComparison.OrdinalIgnoreCase)
                        ? " JPEG changes values where colours meet: make the masks anew as PNG, or take each pixel's nearest colour "
                            + "with tools/convert-masks --tolerance."
                        : ""
                )
        );

    /// <summary>"1,234 pixels have the value 13", without an end.</summary>
    public static string UnclaimedValues(LabelTable table, IReadOnlyList<KeyValuePair<int, long>> histogram)
    {
        var missing = histogram
            .Where(count => count.Key == LabelHistogram.Rest ? table.Find(0x1000000) is null : table.Find(count.Key) is null)
            .OrderByDescending(count => count.Value)
            .ToArray();
        var what = table.ByColor ? "colour" : "value";
        if (missing.Length == 1)
            return string.Create(CultureInfo.InvariantCulture, $"{Pixels(missing[0].Value)} the {what} {Value(table, missing[0].Key)}");
        var first = string.Join(
            ", ",
            missing
                .Take(Named)
                .Select(count => string.Create(CultureInfo.InvariantCulture, $"{Value(table, count.Key)} ({count.Value:N0})"))
        );
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Pixels(missing.Sum(count => count.Value))} {missing.Length} {what}s: {first}{(missing.Length > Named ? ", …" : "")}"
        );
    }

    /// <summary>The label image is of another size than its photograph.</summary>
    /// <param name="turned">The photograph has an EXIF orientation that exchanges its sides, which was applied (true) or not (false); null
    /// where that is unknown or it has none.</param>
    public static UserErrorException OtherSize(
        string label,
        int labelHeight,
        int labelWidth,
        string image,
        int height,
        int width,
        bool? turned = null
    ) =>
        new(
            $"{label}: the labels have {labelHeight} x {labelWidth} pixels (height x width), their photograph {image} has {height} x "
                + $"{width}. Every pixel of the photograph needs one label."
                + (
                    (labelHeight, labelWidth) != (width, height) || labelHeight == labelWidth ? ""
                    : turned == true
                        ? " The photograph was turned as its EXIF orientation says, the labels were drawn without: set "
                            + "\"apply_orientation\": false in LoadImage."
                    : turned == false
                        ? " The labels were drawn on the photograph as its EXIF orientation turns it: set \"apply_orientation\": true "
                            + "in LoadImage."
                    : " One is the other turned: if the photograph has an EXIF orientation, set LoadImage's \"apply_orientation\" as "
                        + "the labels were drawn (false: without it)."
                )
        );

    /// <summary>A colour image where values were expected.</summary>
    public static UserErrorException ColorsForValues(string name, int channels) =>
        new(
            $"{name}: the label image has {channels} channels, so it holds colours; label_map is by value, which takes one channel or "
                + $"a palette. "
                + "Write label_map by colour (\"#804080\": \"road\"), or turn the masks into indices with tools/convert-masks."
        );

    /// <summary>A gray image where colours were expected.</summary>
    public static UserErrorException ValuesForColors(string name) =>
        new($"{name}: the label image has one channel of values; label_map is by colour. Write label_map by value (\"0\": \"road\").");

    /// <summary>A photograph without labels.</summary>
    public static UserErrorException NoPartner(string image, string expected) =>
        new($"{image}: there are no labels for it; {expected} was expected.");

    private static string Known(LabelTable table)
    {
        var entries = table.AsLabelMap().ToArray();
        var first = string.Join(", ", entries.Take(Named).Select(entry => $"{entry.Key}: {entry.Value}"));
        return $"It has {first}{(entries.Length > Named ? $", … ({entries.Length} in all)" : "")}.";
    }

    private static string Value(LabelTable table, int value) => value == LabelHistogram.Rest ? "others" : table.Name(value);

    private static string Pixels(long count) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:N0} pixel{(count == 1 ? " has" : "s have")}");
}
