using System.CommandLine;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Lists the registered components, or tells all about one.</summary>
internal static class ListComponentsCommand
{
    private const int MostDepth = 3;
    private const int MostExamples = 5;

    public static Command Create()
    {
        var name = new Argument<string?>("KIND|NAME")
        {
            Description = "A kind (backbone) or a component (ResNet); everything where absent.",
            DefaultValueFactory = _ => null,
        };
        var config = CommandLine.Option<string?>("--config", "CONFIG", "A config whose plugins are listed, too.");
        var command = new Command("list-components", "Lists every registered component; for a name: its options.") { name, config };
        command.SetAction(parsed => Run(parsed.GetValue(name), parsed.GetValue(config)));
        return command;
    }

    private static int Run(string? name, string? config)
    {
        var document = config is null ? null : ConfigDocument.Load(config);
        var registry = Composition.Registry(document, ToolConsole.Current.Note);
        var output = ToolConsole.Current;
        var kinds = registry.Kinds.ToList();
        var examples = ShippedExamples.Read(registry, typeof(RunOptions));
        if (name is null)
        {
            foreach (var kind in kinds)
                ListKind(output, registry, kind, examples);
            return 0;
        }

        var chosen = kinds.FirstOrDefault(kind => Same(kind.Name, name) || Same(kind.Plural, name));
        if (chosen is not null)
            ListKind(output, registry, chosen, examples);
        var named = registry.All.Where(component => component.Name == name).ToList();
        foreach (var component in named)
            Describe(output, component, examples);
        if (chosen is null && named.Count == 0)
        {
            var known = kinds.Select(kind => kind.Name).Concat(registry.All.Select(component => component.Name));
            throw new UserErrorException(
                $"No kind and no component is named \"{name}\".{NearestName.Suggest(name, known)}\n"
                    + $"Kinds: {string.Join(", ", kinds.Select(kind => kind.Name))}."
            );
        }

        return 0;
    }

    private static bool Same(string kind, string name) =>
        string.Equals(kind, name.Replace('_', ' ').Replace('-', ' '), StringComparison.OrdinalIgnoreCase);

    private static void ListKind(ToolConsole output, ComponentRegistry registry, ComponentKind kind, ShippedExamples? examples)
    {
        var components = registry.All.Where(component => component.Kind.Type == kind.Type).ToList();
        output.Heading(char.ToUpperInvariant(kind.Plural[0]) + kind.Plural[1..]);
        output.Table(
            ["name", "what it is"],
            components.Select(component => new[] { component.Name, XmlDocs.SummaryOf(component.Type) ?? "" })
        );
        var unnamed = components.Where(component => examples?.Of(component).Count == 0).Select(component => component.Name).ToList();
        if (unnamed.Count > 0)
            output.Line($"  In no shipped config: {(unnamed.Count == components.Count ? "all of them" : string.Join(", ", unnamed))}.");
    }

    private static void Describe(ToolConsole output, ComponentDescription component, ShippedExamples? examples)
    {
        output.Heading($"{component.Name} ({component.Kind.Name})");
        if (XmlDocs.SummaryOf(component.Type) is { } summary)
            output.Line(summary);
        if (XmlDocs.RemarksOf(component.Type) is { } remarks)
            output.Line(remarks);
        if (examples?.Of(component) is { } configs)
            output.Line(ExamplesOf(configs));
        if (component.Keys.Count == 0)
            output.Line("It takes no options.");
        else
            output.Table(
                ["option", "type", "default", "bounds", "what it does"],
                component.Keys.SelectMany(key => Rows(key, 0)),
                alignsNumbers: false
            );
    }

    private static string ExamplesOf(IReadOnlyList<string> configs)
    {
        if (configs.Count == 0)
            return "In no shipped config.";
        var more = configs.Count > MostExamples ? $" and {configs.Count - MostExamples} more" : "";
        return $"In configs: {string.Join(", ", configs.Take(MostExamples))}{more}.";
    }

    private static IEnumerable<string[]> Rows(ConfigKey key, int depth)
    {
        yield return
        [
            new string(' ', 2 * depth) + key.Name,
            key.TypeName,
            key.Required ? "required" : key.DefaultText ?? "",
            string.Join("; ", key.BoundTexts),
            key.Doc ?? "",
        ];
        if (depth >= MostDepth)
            yield break; // a record may hold its own kind
        foreach (var row in key.Nested.SelectMany(nested => Rows(nested, depth + 1)))
            yield return row;
    }
}
