using System.Text.RegularExpressions;

namespace Tessera.Tests.Tools;

/// <summary>A fenced block of a documentation page.</summary>
internal sealed record Snippet(string Language, string Text)
{
    /// <summary>The file name in the first line's comment: <c>{ // base.json</c>, <c>// StemOnly.cs</c>.</summary>
    public string? FileName =>
        Regex.Match(Text.Split('\n')[0], @"(?://|<!--)\s*(\S+\.\w+)") is { Success: true } match ? match.Groups[1].Value : null;
}

internal static class Snippets
{
    /// <summary>The repository's folder, found from the tests' own.</summary>
    public static string Repository { get; } = FindRepository();

    public static IReadOnlyList<Snippet> Of(string page) =>
        [
            .. Regex
                .Matches(
                    File.ReadAllText(Path.Combine(Repository, page)).ReplaceLineEndings("\n"),
                    @"^```(\w*)\n(.*?)^```$",
                    RegexOptions.Multiline | RegexOptions.Singleline
                )
                .Select(match => new Snippet(match.Groups[1].Value, match.Groups[2].Value)),
        ];

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Tessera.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("The tests run outside the repository.");
        return folder;
    }
}
