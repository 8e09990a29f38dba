using System.CommandLine;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Tools;
using Tessera.Tools.Output;

namespace Tessera.Tests.Tools.Advice;

/// <summary>Every option, tool and config key that a message names is one that exists.</summary>
public sealed partial class AdviceWordsTests
{
    // Words of other programs.
    private static readonly HashSet<string> s_others =
    [
        "--mpi",
        "--query-gpu",
        "--format",
        "--kill-on-bad-exit",
        "--hostfile",
        "--map-by",
        "--help",
        "--version",
        "--list-sdks",
        // git's
        "--always",
        "--dirty",
        "--abbrev",
        "--exclude",
        "--nologo",
        "--no-restore",
    ];

    private static readonly Dictionary<string, HashSet<string>> s_tools = Program
        .CreateRoot()
        .Subcommands.ToDictionary(
            tool => tool.Name,
            tool => tool.Options.SelectMany(option => option.Aliases.Append(option.Name)).ToHashSet()
        );

    public static TheoryData<string> Sources =>
        [
            .. Files("src", "*.cs")
                .Concat(Files("tools", "*.cs"))
                .Concat(["tools/setup", "tools/launch"])
                .Where(path =>
                    Texts(path)
                        .Any(text =>
                            text.Contains("--", StringComparison.Ordinal)
                            || text.Contains("tools/", StringComparison.Ordinal)
                            || Dotted().IsMatch(text)
                        )
                ),
        ];

    [Theory]
    [MemberData(nameof(Sources))]
    public void Words_OfMessages_Exist(string path)
    {
        var known = s_tools.Values.SelectMany(options => options).Concat(s_others).ToHashSet();
        if (path == "tools/Tessera.Tools/Output/Usage.cs")
            known.UnionWith(Usage.OptionsElsewhere); // it names ours for them
        var keys = Keys();
        foreach (var text in Texts(path))
        {
            foreach (Match word in Option().Matches(text))
                Assert.True(known.Contains(word.Value), $"{path} names the option {word.Value}: {text}");
            foreach (Match tool in ToolName().Matches(text))
                Assert.True(
                    File.Exists(Path.Combine(Snippets.Repository, "tools", tool.Groups[1].Value)),
                    $"{path} names {tool.Value}: {text}"
                );
            foreach (Match call in ToolWithOption().Matches(text))
                if (s_tools.TryGetValue(call.Groups[1].Value, out var options))
                    Assert.True(options.Contains(call.Groups[2].Value) || s_others.Contains(call.Groups[2].Value), $"{path}: {call.Value}");
            foreach (Match dotted in Dotted().Matches(text).Where(match => !FileName().IsMatch(match.Value)))
            foreach (var key in dotted.Value.Split('.'))
                Assert.True(keys.Contains(key), $"{path} names {dotted.Value}, but no component has an option \"{key}\": {text}");
        }
    }

    [Fact]
    public void OptionsThatDoNotExist_AreFound()
    {
        var known = s_tools.Values.SelectMany(options => options).Concat(s_others).ToHashSet();
        Assert.DoesNotContain("--provider", known);
        Assert.Equal(["--provider"], Option().Matches("tools/setup --provider=x installs it").Select(match => match.Value));
        Assert.Contains("--overwrite", known);
    }

    /// <summary>The string literals of a file; of a script, its lines without comments.</summary>
    private static IEnumerable<string> Texts(string path)
    {
        var lines = File.ReadAllLines(Path.Combine(Snippets.Repository, path))
            .Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal) && !line.TrimStart().StartsWith('#'));
        return Path.GetExtension(path) == ".cs" ? lines.SelectMany(line => Literal().Matches(line)).Select(match => match.Value) : lines;
    }

    private static IEnumerable<string> Files(string folder, string pattern) =>
        Directory
            .EnumerateFiles(Path.Combine(Snippets.Repository, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Snippets.Repository, path))
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal);

    /// <summary>Every key that the schema of configs knows anywhere.</summary>
    private static HashSet<string> Keys()
    {
        var keys = new HashSet<string>([
            "checkpoint",
            "log",
            "ema",
            "nan_guard",
            "ce",
            "rmi",
            "contrast",
            "backbone",
            "decode_head",
            "norm",
        ]); // names that users give to entries of maps
        Walk(JsonNode.Parse(File.ReadAllText(Path.Combine(Snippets.Repository, "configs/schema.json"))));
        return keys;

        void Walk(JsonNode? node)
        {
            if (node is JsonArray list)
                foreach (var item in list)
                    Walk(item);
            if (node is not JsonObject map)
                return;
            if (map["properties"] is JsonObject properties)
                keys.UnionWith(properties.Select(property => property.Key));
            foreach (var (_, value) in map)
                Walk(value);
        }
    }

    [GeneratedRegex("""(?<!["\w])\$?@?"(?:[^"\\]|\\.)*"|"(?:[^"\\]|\\.)*" """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Literal();

    // Not the variables of a page's style: var(--soft), --pic:20rem.
    [GeneratedRegex(@"(?<![\w-]|var\()--[a-z][a-z-]+[a-z](?![a-z:-])")]
    private static partial Regex Option();

    [GeneratedRegex(@"(?<![\w/.])tools/([a-z][a-z-]*)")]
    private static partial Regex ToolName();

    [GeneratedRegex(@"tools/([a-z][a-z-]*)[^.;:]*? (--[a-z][a-z-]+[a-z])")]
    private static partial Regex ToolWithOption();

    [GeneratedRegex(@"\.(bin|json|jsonl|txt|csv|png)$")]
    private static partial Regex FileName();

    [GeneratedRegex(@"(?<![\w.$/\-])(?:train|val|test|model|optimizer|hooks)(?:\.[a-z][a-z_]*)+(?![\w.(\-{])")]
    private static partial Regex Dotted();
}
