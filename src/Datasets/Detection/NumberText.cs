using System.Globalization;

namespace Tessera.Datasets.Detection;

/// <summary>Says what a text is that should be a number.</summary>
public static class NumberText
{
    private const int Shown = 40;

    /// <summary>"\"0,5\", which is no number: …", with an end.</summary>
    public static string Wrong(string text)
    {
        text = text.Trim();
        var shown = text.Length > Shown ? text[..Shown] + "…" : text;
        var meant = text.Replace(',', '.');
        return meant != text && double.TryParse(meant, NumberStyles.Float, CultureInfo.InvariantCulture, out _)
            ? $"\"{shown}\", which is no number: decimals stand behind a point, as in \"{meant}\"."
            : $"\"{shown}\", which is no number.";
    }
}
