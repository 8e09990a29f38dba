using System.CommandLine;
using Tessera.Datasets.Segmentation;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Prints a config as a run would see it, or where one of its values comes from.</summary>
internal static class PrintConfigCommand
{
    private static readonly string[] s_datasets = ["train.dataset", "val.dataset", "test.dataset"];

    public static Command Create()
    {
        var config = CommandLine.Config();
        var overrides = CommandLine.CfgOptions();
        var explain = CommandLine.Option<string?>("--explain", "KEY", "Which file and line set this key, and what it replaced.");
        var saved = new Option<bool>("--saved") { Description = "As it is written into work dirs and checkpoints: ${…} not filled in." };
        var command = new Command("print-config", "Prints the resolved config.") { config, overrides, explain, saved };
        command.SetAction(parsed =>
            Run(parsed.GetRequiredValue(config), parsed.GetRequiredValue(overrides), parsed.GetValue(explain), parsed.GetValue(saved))
        );
        return command;
    }

    // A key that no file mentions, but that its component knows: the default, from the component.
    private static string? ExplainDefault(ConfigDocument document, string path, Lazy<ComponentRegistry> registry)
    {
        if (
            document.Find(path) is not null
            || ConfigPath.Split(path) is not { Count: > 1 } keys
            || document.Find(ConfigPath.Join(keys.SkipLast(1))) is not ConfigMap map
            || map["type"] is not ConfigValue type
        )
            return null;
        var key = registry
            .Value.All.Where(component => component.Name == type.Text)
            .SelectMany(component => component.Keys)
            .FirstOrDefault(key => key.Name == keys[^1]);
        return key is null || map.IsRemoved(key.Name)
            ? null
            : $"{ConfigPath.Join(keys)} is not set\n  {type.Text}'s default is {key.DefaultText ?? "its own"}";
    }

    // Options whose defaults have changed are written out, as runs write them.
    private static ConfigDocument Stated(ConfigDocument document, Lazy<ComponentRegistry> registry)
    {
        try
        {
            return EarlierDefaults.Stated(document, registry.Value);
        }
        catch (UserErrorException)
        {
            return document; // a plugin that can't be loaded is told after the document is printed
        }
    }

    /// <summary>The resolved document; options of data sets that are short for label maps give way to them.</summary>
    private static string Expanded(ConfigDocument document, Lazy<ComponentRegistry> registry) =>
        ShortForms.Expand<Dataset>(document, s_datasets, () => registry.Value, options => (options as LabelOptions)?.Expand());

    private static int Run(string config, string[] overrides, string? explain, bool saved)
    {
        var loaded = ConfigDocument.Load(config, overrides);
        var registry = new Lazy<ComponentRegistry>(() => Composition.Registry(loaded, ToolConsole.Current.Note));
        var document = explain is null ? Stated(loaded, registry) : loaded;
        if (explain is null)
            ToolConsole.Current.Document(saved ? document.SaveText() : Expanded(document, registry));
        else
            ToolConsole.Current.Line(ExplainDefault(document, explain, registry) ?? document.Explain(explain));

        // Printed before it is checked: seeing the document is how its mistakes are found.
        ComponentBuilder.Check<RunOptions>(registry.Value, document);
        foreach (var option in InheritedOptions.Find(registry.Value, document))
            ToolConsole.Current.Warning(option);
        return 0;
    }
}
