using System.CommandLine;
using System.CommandLine.Parsing;
using Spectre.Console;
using Tessera.Framework.Messages;

namespace Tessera.Tools.Output;

/// <summary>Asks for the paths that a command line lacks. On a terminal alone: a script that forgets one gets an error at once.</summary>
internal static class Questions
{
    /// <summary>A command line with what was missing; the same one where it has another fault, too, or where nobody can be asked.</summary>
    /// <param name="parsed">What became of it.</param>
    public static IReadOnlyList<string> Complete(IReadOnlyList<string> args, ParseResult parsed, ToolConsole console)
    {
        var missing = parsed.Errors.Select(error => Missing(error.SymbolResult)).ToArray();
        if (missing.Length == 0 || !console.CanAsk || Array.Exists(missing, argument => argument is null))
            return args;
        // Behind "--" all words are arguments, also where an option that takes several values stood last.
        var separator = args.Contains("--") ? Array.Empty<string>() : ["--"];
        return [.. args, .. separator, .. missing.Distinct().Select(argument => Ask(argument!, console))];
    }

    private static Argument? Missing(SymbolResult? result) =>
        result is ArgumentResult { Tokens.Count: 0, Parent: CommandResult, Argument: { } argument } ? argument : null;

    private static string Ask(Argument argument, ToolConsole console)
    {
        var isRead = argument.Name != CommandLine.Output;
        var question = new TextPrompt<string>($"[bold]{Markup.Escape(argument.Name)}[/] [grey]{Markup.Escape(argument.Description!)}[/]\n>")
        {
            Validator = answer =>
                Path(answer) is not { Length: > 0 } path ? ValidationResult.Error("[red]A path was expected.[/]")
                : isRead && !File.Exists(path) && !Directory.Exists(path)
                    ? ValidationResult.Error($"[red]There is no such file or folder: {Markup.Escape(VisibleText.Of(path))}[/]")
                : ValidationResult.Success(),
        };
        return Path(console.Ask(question));
    }

    /// <summary>As a shell would hand it over: without quotes, and ~ as the home folder.</summary>
    private static string Path(string answer)
    {
        var path = answer.Trim();
        if (path is ['"', .., '"'] or ['\'', .., '\''])
            path = path[1..^1];
        return path == "~" || path.StartsWith("~/", StringComparison.Ordinal)
            ? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) + path[1..]
            : path;
    }
}
