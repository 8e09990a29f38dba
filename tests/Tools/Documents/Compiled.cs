using System.Reflection;
using System.Runtime.Loader;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Tessera.Tests.Tools.Documents;

/// <summary>Sources of pages, compiled as the places compile them in which a page says they may lie. Warnings are errors.</summary>
internal static class Compiled
{
    private static readonly string[] s_implicit =
    [
        "System",
        "System.Collections.Generic",
        "System.IO",
        "System.Linq",
        "System.Net.Http",
        "System.Threading",
        "System.Threading.Tasks",
    ];

    private static readonly Lazy<MetadataReference[]> s_references = new(() =>
        [
            .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
                .Split(Path.PathSeparator)
                .Where(file => !file.EndsWith(".Tests.dll", StringComparison.Ordinal))
                .Select(file => MetadataReference.CreateFromFile(file)),
        ]
    );

    /// <summary>The usings of a loose plugin.</summary>
    public static string[] LooseUsings()
    {
        string[] Of(string field) =>
            (string[])
                typeof(Framework.Plugins.PluginLoader)
                    .Assembly.GetTypes()
                    .Where(type => type.Namespace == typeof(Framework.Plugins.PluginLoader).Namespace)
                    .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.NonPublic))
                    .Single(known => known.Name.EndsWith(field, StringComparison.OrdinalIgnoreCase))
                    .GetValue(null)!;
        return [.. Of("GlobalUsings"), .. Of("StaticUsings").Select(name => "static " + name)];
    }

    /// <summary>The usings of a project in the repository.</summary>
    /// <param name="project">Relative to the repository.</param>
    public static string[] UsingsOf(string project) =>
        [
            .. Regex
                .Matches(File.ReadAllText(Path.Combine(Snippets.Repository, project)), "<Using Include=\"([^\"]+)\"( Static=\"true\")?")
                .Select(match => (match.Groups[2].Success ? "static " : "") + match.Groups[1].Value),
        ];

    /// <summary>Compiles and loads.</summary>
    /// <param name="usings">Beside those of the SDK.</param>
    public static Assembly Load(IEnumerable<string> sources, IEnumerable<string> usings, bool program = false)
    {
        var options = CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Latest);
        var global = string.Join('\n', s_implicit.Concat(usings).Select(name => $"global using {name};"));
        var compilation = CSharpCompilation.Create(
            "Page" + Guid.NewGuid().ToString("N"),
            sources.Prepend(global).Select(source => CSharpSyntaxTree.ParseText(source, options)),
            s_references.Value,
            new CSharpCompilationOptions(
                program ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable,
                optimizationLevel: OptimizationLevel.Release,
                generalDiagnosticOption: ReportDiagnostic.Error,
                specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress), new("CS1702", ReportDiagnostic.Suppress)]
            )
        );
        using var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(found => found.Severity == DiagnosticSeverity.Error)));
        stream.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(stream);
    }
}
