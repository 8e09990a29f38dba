using System.CommandLine;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Writes the JSON Schema of configs from the registered components, or checks that the written one is up to date.</summary>
internal static class SchemaCommand
{
    private const string FileName = "schema.json";

    public static Command Create()
    {
        var config = new Argument<string?>("CONFIG")
        {
            Description = "A config whose plugins' components and sections are in the schema, too.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var path = CommandLine.Option<string?>(
            "--out",
            "PATH",
            "The schema file. Default: configs/schema.json; of a CONFIG schema.json beside it."
        );
        var check = new Option<bool>("--check") { Description = "Writes nothing; fails where the file is out of date." };
        var command = new Command("schema", "Writes configs/schema.json, by which editors complete and check configs.")
        {
            config,
            path,
            check,
        };
        command.SetAction(parsed => Run(parsed.GetValue(config), parsed.GetValue(path), parsed.GetValue(check)));
        return command;
    }

    private static int Run(string? config, string? path, bool check)
    {
        var document = config is null ? null : ConfigDocument.Load(config);
        path ??= Path.Combine(config is null ? "configs" : Path.GetDirectoryName(config)!, FileName);
        var schema = SchemaWriter.Write(Composition.Registry(document, ToolConsole.Current.Note), typeof(RunOptions));
        if (File.Exists(path) && File.ReadAllText(path) == schema)
        {
            ToolConsole.Current.Line($"{path} is up to date.");
            return 0;
        }

        if (check)
            throw new UserErrorException(
                $"{path}\n  The schema doesn't match the registered components. Write it anew: tools/schema"
                    + (config is null ? "" : $" {config}")
            );
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        File.WriteAllText(path, schema);
        ToolConsole.Current.Line($"{path} written.");
        if (config is not null)
            ToolConsole.Current.Note($"Editors use it where the config says \"$schema\": \"{Relative(config, path)}\".");
        return 0;
    }

    private static string Relative(string config, string path) =>
        Path.GetRelativePath(Path.GetDirectoryName(Path.GetFullPath(config))!, Path.GetFullPath(path)).Replace('\\', '/');
}
