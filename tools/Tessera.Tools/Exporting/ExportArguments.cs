using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Onnx.Export;

namespace Tessera.Tools.Exporting;

/// <summary>Arguments of <c>tools/export</c>, read.</summary>
internal static class ExportArguments
{
    private static readonly string[] s_sides = ["batch", "size"];

    public static OpenSides Open(string? text)
    {
        var open = OpenSides.None;
        foreach (var word in Words(text is null ? [] : [text]))
            open |= word switch
            {
                "batch" => OpenSides.Batch,
                "size" => OpenSides.Size,
                _ => throw new UserErrorException(
                    $"--dynamic takes batch, size, or batch,size, not \"{word}\".{NearestName.Suggest(word, s_sides)}"
                ),
            };
        return open;
    }

    public static (int Height, int Width)? Size(string? text)
    {
        if (text is null)
            return null;
        var sides = text.Split('x');
        return
            sides is [var height, var width]
            && int.TryParse(height, NumberStyles.None, CultureInfo.InvariantCulture, out var rows)
            && int.TryParse(width, NumberStyles.None, CultureInfo.InvariantCulture, out var columns)
            && rows is > 0 and <= 16384
            && columns is > 0 and <= 16384
            ? (rows, columns)
            : throw new UserErrorException($"--size takes a height and a width of 1 to 16384 such as 512x640, not \"{text}\".");
    }

    public static IReadOnlyList<string> Names(string[] texts) => [.. Words(texts).Distinct()];

    private static IEnumerable<string> Words(string[] texts) =>
        texts.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
