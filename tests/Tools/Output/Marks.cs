using System.Text.RegularExpressions;

namespace Tessera.Tests.Tools.Output;

/// <summary>Replaces what differs from run to run and from machine to machine.</summary>
internal static partial class Marks
{
    /// <param name="folder">Where the tool worked.</param>
    /// <param name="numbers">All numbers differ: each becomes #, and columns lose their widths.</param>
    public static string In(string text, string folder, bool numbers)
    {
        text = text.ReplaceLineEndings("\n").Replace(folder, "FOLDER", StringComparison.Ordinal);
        text = Facts().Replace(text, "Environment\n  …\n");
        text = Tensors().Replace(text, "libtorch …, precision ");
        text = Day().Replace(text, "DAY");
        text = Time().Replace(text, "TIME ");
        text = Figures().Replace(text, "# img/s  data # %  memory # GB");
        text = Remaining().Replace(text, "");
        text = Took().Replace(text, "");
        text = Hash().Replace(text, "HASH");
        text = Speed().Replace(text, "speed …");
        text = Free().Replace(text, "# GiB free");
        text = Losses().Replace(text, "$1#");
        if (!numbers)
            return text;
        return Blanks().Replace(Numbers().Replace(text, "#"), "  ");
    }

    [GeneratedRegex(@"Environment\n(  .*\n)+")]
    private static partial Regex Facts();

    [GeneratedRegex(@"(provider .*)?libtorch \d.*, precision ")]
    private static partial Regex Tensors();

    [GeneratedRegex(@"\d{8}_\d{6}(_\d+)?")]
    private static partial Regex Day();

    [GeneratedRegex(@"(?m)^\d\d:\d\d:\d\d ")]
    private static partial Regex Time();

    [GeneratedRegex(@"[\d.]+ img/s  data \d+ %  memory [\d.]+ GB")]
    private static partial Regex Figures();

    [GeneratedRegex(@"  eta \d+:\d\d:\d\d")]
    private static partial Regex Remaining();

    [GeneratedRegex(@"  \(\d+\.\d s\)")]
    private static partial Regex Took();

    [GeneratedRegex(@"\b[0-9a-f]{64}\b")]
    private static partial Regex Hash();

    [GeneratedRegex(@"[\d.]+ s forward and backward.*")]
    private static partial Regex Speed();

    [GeneratedRegex(@"\d+ GiB free")]
    private static partial Regex Free();

    [GeneratedRegex(@"((?:loss|accuracy/top\d|values|to|mean|deviation):? +)-?\d+\.\d+")]
    private static partial Regex Losses();

    [GeneratedRegex(@"-?\d[\d.,]*(?<=\d)")]
    private static partial Regex Numbers();

    [GeneratedRegex(@" {2,}")]
    private static partial Regex Blanks();
}
