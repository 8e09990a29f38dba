namespace Tessera.Framework.Messages;

/// <summary>Text of unknown origin (names of files, values of a config) for a console.</summary>
public static class VisibleText
{
    /// <summary>The text with control characters, which could repaint a terminal, as □; line breaks and tabs stay.</summary>
    public static string Of(string text)
    {
        if (!text.Any(IsHidden))
            return text;
        return string.Create(
            text.Length,
            text,
            (signs, source) =>
            {
                for (var i = 0; i < signs.Length; i++)
                    signs[i] = IsHidden(source[i]) ? '□' : source[i];
            }
        );
    }

    private static bool IsHidden(char sign) => char.IsControl(sign) && sign is not ('\n' or '\r' or '\t');
}
