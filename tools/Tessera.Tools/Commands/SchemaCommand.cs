using System.CommandLine;
using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Writes the JSON Schema of configs from the registered components, or checks that the written one is up to date.</summary>
internal static class SchemaCommand
{
    public static Command Create()
    {
        var path = new Option<string>("--out")
        {
            Description = "The schema file. Default: configs/schema.json.",
            HelpName = "PATH",
            DefaultValueFactory = _ => Path.Combine("configs", "schema.json"),
        };
        var check = new Option<bool>("--check") { Description = "Writes nothing; fails where the file is out of date." };
        var command = new Command("schema", "Writes configs/schema.json, by which editors complete and check configs.") { path, check };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(path), parsed.GetValue(check)));
        return command;
    }

    private static int Run(string path, bool check)
    {
        var schema = SchemaWriter.Write(Composition.Registry(), typeof(RunOptions));
        if (File.Exists(path) && File.ReadAllText(path) == schema)
        {
            ToolConsole.Current.Line($"{path} is up to date.");
            return 0;
        }

        if (check)
            throw new UserErrorException($"{path}\n  The schema doesn't match the registered components. Write it anew: tools/schema");
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        File.WriteAllText(path, schema);
        ToolConsole.Current.Line($"{path} written.");
        return 0;
    }
}
