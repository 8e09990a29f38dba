using System.Text.RegularExpressions;

namespace Tessera.Tests.Tools.Documents;

/// <summary>The pages, and what stands in them as code.</summary>
internal static partial class PageText
{
    public static string[] Pages { get; } =
    [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        .. new[] { "docs", "configs", "samples", "benchmarks", "templates/Package" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Snippets.Repository, folder), "*.md", SearchOption.AllDirectories))
            .Select(file => Path.GetRelativePath(Snippets.Repository, file))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>Fails where something is wrong, and lists it.</summary>
    public static void AssertNone(IEnumerable<string> wrong)
    {
        var found = wrong.Distinct().ToArray();
        Assert.True(found.Length == 0, string.Join('\n', found));
    }

    public static string Text(string page) => File.ReadAllText(Path.Combine(Snippets.Repository, page)).ReplaceLineEndings("\n");

    public static string WithoutBlocks(string text) => Block().Replace(text, "");

    /// <summary>Lines of blocks, and spans in text.</summary>
    public static IEnumerable<string> Code(string text) =>
        Block()
            .Matches(text)
            .SelectMany(block => block.Value.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
            .Concat(Span().Matches(WithoutBlocks(text)).Select(span => span.Groups[1].Value));

    [GeneratedRegex(@"^```.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("`([^`\n]+)`")]
    public static partial Regex Span();
}
