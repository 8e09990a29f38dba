using System.Text.RegularExpressions;
using Tessera.Models.Explanation;
using static Tessera.Tests.Tools.Documents.PageText;

namespace Tessera.Tests.Tools.Documents;

/// <summary>What the pages name is there: links, files, tools and their options, components, types, keys of configs.</summary>
public sealed partial class StatementTests
{
    // Words in code that look like types and are none of ours: of .NET, of other projects, of examples.
    // Options and layers of HuggingFace's transformers.
    private static readonly HashSet<string> s_keysElsewhere =
    [
        "cls_classifier",
        "downsample_in_bottleneck",
        "downsample_in_first_stage",
        "no_timm",
    ];

    private static readonly HashSet<string> s_elsewhere =
    [
        "Range",
        "MinLength",
        "AllowedValues",
        "IValidatableObject",
        "IConfiguration",
        "ILogger",
        "CodedOutputStream",
        "BatchNorm2d",
        "PrivateAssets",
        "ProjectReference",
        "OrderedDict",
        "ArgumentException",
        "LogisticRegression",
        "VersionPrefix",
        "IOptions",
    ];

    [Fact]
    public void Links_LeadSomewhere() =>
        AssertNone(
            from page in Pages
            from Match link in Link().Matches(WithoutBlocks(Text(page)))
            let target = link.Groups[1].Value
            where !target.Contains("://", StringComparison.Ordinal) && !LeadsSomewhere(page, target)
            select $"{page}: {target}"
        );

    [Fact]
    public void Files_Exist() =>
        AssertNone(
            from page in Pages
            from Match match in OwnPath().Matches(Text(page))
            let path = match.Groups[1].Value.TrimEnd('.', ':', ',')
            where !StandsForAnother().IsMatch(path)
            where !Path.Exists(Path.Combine(Snippets.Repository, path)) && !InExamples(path)
            select $"{page}: {path}"
        );

    [Fact]
    public void Tools_HaveTheOptionsThatPagesShow()
    {
        var tools = Tessera.Tools.Program.CreateRoot().Subcommands.ToDictionary(tool => tool.Name);
        AssertNone(
            from page in Pages
            from line in Code(Text(page))
            from Match call in Call().Matches(line)
            where tools.ContainsKey(call.Groups[1].Value)
            from Match option in LongOption().Matches(call.Groups[2].Value)
            where
                option.Value != "--help"
                && tools[call.Groups[1].Value].Options.All(known => known.Name != option.Value && !known.Aliases.Contains(option.Value))
            select $"{page}: tools/{call.Groups[1].Value} has no {option.Value}"
        );
    }

    [Fact]
    public void Components_AreRegistered()
    {
        var known = Composition.Registry().All.Select(component => component.Name).ToHashSet();
        var examples = Pages.SelectMany(page => Declared().Matches(Text(page))).Select(match => match.Groups[1].Value).ToHashSet();
        AssertNone(
            from page in Pages
            from Match type in TypeKey().Matches(Text(page))
            let name = type.Groups[1].Value
            where !known.Contains(name) && !examples.Contains(name) && !page.StartsWith("samples", StringComparison.Ordinal)
            select $"{page}: no component is named {name}"
        );
    }

    [Fact]
    public void Types_Exist()
    {
        var types = AppDomain
            .CurrentDomain.GetAssemblies()
            .Concat(Composition.Assemblies())
            .Append(typeof(Tessera.Onnx.OnnxPredictor).Assembly) // not loaded before something is exported
            .Where(assembly =>
                assembly.GetName().Name is { } name && (name.StartsWith("Tessera", StringComparison.Ordinal) || name == "TorchSharp")
            )
            .SelectMany(assembly => assembly.GetTypes())
            .ToLookup(type => type.Name.Split('`')[0]);
        var members = types.SelectMany(of => of).SelectMany(type => type.GetMembers(Everything)).Select(member => member.Name).ToHashSet();
        var components = Composition.Registry().All.Select(component => component.Name).ToHashSet();
        var examples = Pages.SelectMany(page => ExampleType().Matches(Text(page))).Select(match => match.Groups[1].Value).ToHashSet();
        AssertNone(
            from page in Pages
            where page != "docs/torchsharp.md" // names what TorchSharp gets wrong, and tests of it
            where page != "docs/design/house.md" // a design, which may be ahead
            from Match span in Span().Matches(WithoutBlocks(Text(page)))
            let match = TypeOrMember().Match(span.Groups[1].Value)
            where match.Success && !FileOrNamespace().IsMatch(match.Value)
            let name = match.Groups[1].Value
            let member = match.Groups[2].Value
            where
                !(
                    s_elsewhere.Contains(name)
                    || components.Contains(name)
                    || examples.Contains(name)
                    || types[name].Any(type => member.Length == 0 || type.GetMember(member, Everything).Length > 0)
                    || member.Length == 0 && members.Contains(name)
                )
            select $"{page}: {span.Groups[1].Value}"
        );
    }

    [Fact]
    public void Keys_AreThoseOfTheSchemaOrTheCode()
    {
        string Of(string folder) =>
            string.Join(
                '\n',
                Directory
                    .EnumerateFiles(Path.Combine(Snippets.Repository, folder), "*.cs", SearchOption.AllDirectories)
                    .Select(File.ReadAllText)
            );
        var methods = Composition.Registry().For(typeof(ActivationMethod)).Select(ActivationMethods.NameOf);
        var known = Words(Text("configs/schema.json")).Concat(Words(Of("src"))).Concat(Words(Of("tools"))).Concat(methods).ToHashSet();
        AssertNone(
            from page in Pages
            where page.StartsWith("docs", StringComparison.Ordinal) || page.StartsWith("configs", StringComparison.Ordinal)
            from Match span in Span().Matches(WithoutBlocks(Text(page)))
            from Match key in SnakeCase().Matches(span.Groups[1].Value)
            where !known.Contains(key.Value) && !key.Value.Contains("resnet50", StringComparison.Ordinal) // torchvision's networks
            where !File.Exists(Path.Combine(Snippets.Repository, "configs/_base_/losses", key.Value + ".json"))
            where !s_keysElsewhere.Contains(key.Value)
            select $"{page}: {key.Value}"
        );

        static IEnumerable<string> Words(string text) => Word().Matches(text).Select(match => match.Value);
    }

    [Fact]
    public void Dependencies_EachPackageHasItsLine()
    {
        var lines = Text("docs/dependencies.md");
        AssertNone(
            from Match package in Package().Matches(Text("Directory.Packages.props"))
            let name = package.Groups[1].Value
            where !lines.Contains(name.Replace("libtorch-cpu", "", StringComparison.Ordinal), StringComparison.Ordinal)
            select $"{name} has no line in docs/dependencies.md"
        );
    }

    [Fact]
    public void NoPage_NamesAMachine() =>
        AssertNone(from page in Pages from Match match in MachinePath().Matches(Text(page)) select $"{page}: {match.Value}");

    private const System.Reflection.BindingFlags Everything =
        System.Reflection.BindingFlags.Public
        | System.Reflection.BindingFlags.NonPublic
        | System.Reflection.BindingFlags.Instance
        | System.Reflection.BindingFlags.Static
        | System.Reflection.BindingFlags.FlattenHierarchy;

    private static bool LeadsSomewhere(string page, string target)
    {
        var parts = target.Split('#');
        var file = parts[0].Length == 0 ? page : Path.Combine(Path.GetDirectoryName(page)!, parts[0]);
        var path = Path.Combine(Snippets.Repository, file);
        return Path.Exists(path)
            && (
                parts.Length == 1
                || Heading()
                    .Matches(WithoutBlocks(File.ReadAllText(path)))
                    .Any(heading => Slug().Replace(heading.Groups[1].Value.ToLowerInvariant(), "").Trim().Replace(' ', '-') == parts[1])
            );
    }

    /// <summary>Files that a page lets its reader make.</summary>
    private static bool InExamples(string path) => path == "tools/show-checkpoint";

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"(?<![\w./\-}])((?:src|tools|tests|configs|samples|benchmarks|docs)/[\w./-]+)(?![\w*{…])")]
    private static partial Regex OwnPath();

    [GeneratedRegex("(?!README|LICENSE)[A-Z]{4}")] // NAME
    private static partial Regex StandsForAnother();

    [GeneratedRegex(@"tools/([\w-]+)((?:(?!tools/|#).)*)")]
    private static partial Regex Call();

    [GeneratedRegex(@"(?<![\w-])--[a-z][\w-]*")]
    private static partial Regex LongOption();

    [GeneratedRegex("\"type\": \"(\\w+)\"")]
    private static partial Regex TypeKey();

    [GeneratedRegex(@"\[Component\(""(\w+)""\)\]")]
    private static partial Regex Declared();

    [GeneratedRegex(@"(?:class|record|enum) (\w+)")]
    private static partial Regex ExampleType();

    [GeneratedRegex(@"^([A-Z]\w*[a-z]\w*)(?:<\w+>)?(?:\.(\w+))?(?:\(.*\))?$")]
    private static partial Regex TypeOrMember();

    [GeneratedRegex(@"\.(?:cs|db|json)$|^(?:Tessera|TorchSharp)(?:\.|$)")]
    private static partial Regex FileOrNamespace();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"(?<![\w./-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w/-]|\.\w)")]
    private static partial Regex SnakeCase();

    [GeneratedRegex("PackageVersion Include=\"([^\"]+)\"")]
    private static partial Regex Package();

    [GeneratedRegex(@"(?<![\w.])/(?:work|home|root|tmp)/\S*")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"^#+ (.+?)\r?$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Slug();
}
