using System.Globalization;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>What a pickle holds beside weights, in words.</summary>
internal static class PickleText
{
    private const int MostEntries = 50;

    /// <param name="except">The path of what was taken; its first word is left out.</param>
    public static IReadOnlyList<string> Others(PickleDict dict, string? except)
    {
        var taken = except?.Split('.')[0];
        return
        [
            .. dict
                .Named.Where(entry => entry.Key != taken && (taken is not null || entry.Value is not PickleTensor))
                .Take(MostEntries)
                .Select(entry => $"{Clip(entry.Key)} {Describe(entry.Value)}"),
        ];
    }

    public static string Describe(object? value) =>
        value switch
        {
            null => "= none",
            string text => $"= \"{Clip(text)}\"",
            double number => "= " + number.ToString("G6", CultureInfo.InvariantCulture),
            long or bool => "= " + Convert.ToString(value, CultureInfo.InvariantCulture),
            PickleDict { Of: { } type } => $"(an object of {Clip(type)})",
            PickleDict dict => $"(a dict of {dict.Count})",
            List<object?> list => $"(a list of {list.Count})",
            PickleTuple tuple => $"(a tuple of {tuple.Items.Length})",
            PickleTensor tensor => $"(a tensor {WeightInfo.ShapeText(tensor.Shape)})",
            PickleOpaque opaque => $"({opaque.What})",
            PickleGlobal global => $"({Clip(global.Name)})",
            byte[] bytes => $"({bytes.Length} bytes)",
            _ => "(something else)",
        };

    /// <summary>A text from a stranger's file, fit for a terminal.</summary>
    public static string Clip(string text)
    {
        const int most = 60;
        var clean = string.Concat(text.Take(most).Select(letter => char.IsControl(letter) ? ' ' : letter));
        return clean.Length < text.Length ? clean + "…" : clean;
    }
}
