using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools;

namespace Tessera.Tools.Output;

/// <summary>What the tools say about themselves, in the words a user types: <c>tools/train</c>, not a program's name.</summary>
internal static partial class Usage
{
    /// <summary>Every tool, with what it does.</summary>
    public static string Overview(Command root)
    {
        var tools = root.Subcommands.Select(tool => (string[])[$"tools/{tool.Name}", tool.Description!]);
        return $"{root.Description}\n\n{PlainTable.Format([], [.. tools], indent: 2)}\n\ntools/NAME --help tells how a tool is called.";
    }

    /// <summary>A tool's arguments and options.</summary>
    public static string Of(ParseResult parsed)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        parsed.Invoke(new InvocationConfiguration { Output = text });
        var said = text.ToString()
            .Replace($"  {parsed.RootCommandResult.Command.Name} ", "  tools/", StringComparison.Ordinal)
            .Replace("…>...", "…>", StringComparison.Ordinal);
        return Defaults().Replace(said, "").TrimEnd();
    }

    /// <summary>Defaults as values of C#; the descriptions tell them as a user types them.</summary>
    [GeneratedRegex(@" *\[default: [^\]]*\]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Defaults();

    /// <summary>Options that other projects' tools have and these don't.</summary>
    internal static IEnumerable<string> OptionsElsewhere => s_elsewhere.Keys;

    /// <summary>Options of MMDetection's and MMSegmentation's tools, and what does the same here.</summary>
    private static readonly Dictionary<string, string> s_elsewhere = new()
    {
        ["--show"] =
            "pictures of the predictions are written by --show-dir DIR of tools/test; --out-dir DIR of tools/predict writes them, too; "
            + "no window is opened",
        ["--show-score-thr"] = "--score-thr SCORE of tools/test and tools/predict leaves boxes that score less out of the pictures",
        ["--eval"] = "what is measured stands in the config: test.metrics, or val.metrics",
        ["--eval-options"] = "what is measured stands in the config: test.metrics, or val.metrics",
        ["--format-only"] = "--predictions PATH of tools/test writes the predictions",
        ["--options"] = "--cfg-options KEY=VALUE changes the config",
        ["--resume-from"] = "--resume of tools/train goes on from the work dir's newest checkpoint",
        ["--auto-resume"] = "--resume of tools/train goes on from the work dir's newest checkpoint",
        ["--load-from"] = "the config's model.init or model.backbone.init says which weights a run begins from",
        ["--gpu-id"] = "--cfg-options device=cuda:N says on which GPU",
        ["--gpu-ids"] = "--cfg-options device=cuda:N says on which GPU",
        ["--seed"] = "--cfg-options seed=N sets the seed",
        ["--amp"] = "--cfg-options precision=auto computes in bf16 where the device has it",
        ["--gpus"] = "--cfg-options device=cuda:N says on which GPU; several train under mpirun or torchrun (docs/processes.md)",
        ["--launcher"] = "mpirun, srun or torchrun start several processes without an option (docs/processes.md)",
        ["--auto-scale-lr"] = "rates are taken as they are written; --cfg-options optimizer.lr=… sets one",
        ["--no-validate"] = "--cfg-options val=null trains without evaluations",
        ["--deterministic"] = "runs with the same seed, threads and machine are equal bit for bit without it (docs/training.md)",
        ["--tta"] = "the config's model.test has flip and scales",
    };

    public static bool IsHelp(ParseResult parsed) => parsed.Action is HelpAction;

    public static UserErrorException UnknownTool(Command root, string name)
    {
        var names = root.Subcommands.Select(tool => tool.Name).ToArray();
        return new($"No tool is named \"{name}\".{NearestName.Suggest(name, names)}\n  Tools: {string.Join(", ", names)}.");
    }

    /// <summary>Everything that is wrong with a command line.</summary>
    public static UserErrorException Wrong(ParseResult parsed)
    {
        var tool = parsed.CommandResult.Command;
        var unknown = parsed
            .UnmatchedTokens.Where((token, i) => i == 0 || IsOption(token) || !IsOption(parsed.UnmatchedTokens[i - 1])) // not its value
            .Select(token => Unknown(tool, token));
        var others = parsed
            .Errors.Where(error => !parsed.UnmatchedTokens.Any(token => error.Message.Contains($"'{token}'", StringComparison.Ordinal)))
            .Select(Describe);
        var arguments = string.Concat(
            tool.Arguments.Select(argument => argument.Arity.MinimumNumberOfValues > 0 ? $" {argument.Name}" : $" [{argument.Name}]")
        );
        return new(
            $"tools/{tool.Name}\n  {string.Join("\n  ", unknown.Concat(others).Distinct())}\n  Usage: tools/{tool.Name}{arguments} "
                + $"[options]; tools/{tool.Name} --help names the options."
        );
    }

    private static string Unknown(Command tool, string token)
    {
        if (!IsOption(token))
            return $"\"{token}\" is one argument too many.";
        if (s_elsewhere.TryGetValue(token.Split('=')[0], out var here))
            return $"There is no option {token}: {here}.";
        var names = tool.Options.Select(option => option.Name).ToArray();
        var near = NearestName.Suggest(token, names);
        if (near.Length == 0 && Array.Find(names, name => name.StartsWith(token, StringComparison.Ordinal)) is { } longer)
            near = $" Did you mean \"{longer}\"?";
        return $"There is no option {token}.{near}";
    }

    private static bool IsOption(string token) => token.StartsWith('-');

    private static string Describe(ParseError error) =>
        error.SymbolResult switch
        {
            ArgumentResult { Tokens.Count: 0, Parent: CommandResult, Argument: var argument } =>
                $"{argument.Name} is missing: {argument.Description}",
            OptionResult { Tokens: [.., var last], Option: var option } =>
                $"{option.Name} doesn't take \"{last.Value}\"{Expected(option.ValueType)}: {option.Description}",
            OptionResult { Option: var option } => $"{option.Name} lacks its value: {option.Description}",
            _ => error.Message,
        };

    private static string Expected(Type type) =>
        (Nullable.GetUnderlyingType(type) ?? type) switch
        {
            var number when number == typeof(int) || number == typeof(long) => ", which is no whole number",
            var number when number == typeof(double) => ", which is no number",
            _ => "",
        };
}
