using Tessera.Framework.Errors;

namespace Tessera.Tools.Output;

/// <summary>What an error advises, in the words of the command line.</summary>
internal static class ToolAdvice
{
    /// <summary>Options of the tools that take weights (<see cref="Evaluation.WeightArguments"/>), by the keys of an initializer.</summary>
    private static readonly Dictionary<string, string> s_weights = new()
    {
        ["part"] = "--part",
        ["prefix"] = "--prefix",
        ["keys"] = "--keys",
        ["key_map"] = "--key-map",
    };

    /// <summary>An error's message, in which each advice names the option to give.</summary>
    public static string MessageOf(UserErrorException mistake) =>
        mistake
            .Advice.DistinctBy(advice => advice.Text)
            .Aggregate(mistake.Message, (text, advice) => text.Replace(advice.Text, Words(advice), StringComparison.Ordinal));

    private static string Words(Advice advice) =>
        advice.Settings switch
        {
            ["resume"] => Fill("--resume", advice.Text),
            ["overwrite"] => Fill("--overwrite", advice.Text),
            ["work_dir", var folder] => $"--work-dir {folder}",
            ["evaluate"] => "tools/test evaluates it",
            ["names"] => "--names own",
            ["plugins"] => "--plugin PATH",
            ["data_root"] => $"{advice.Text} (--cfg-options data_root=…)",
            ["match_classes"] => $"tools/test --classes-in-order, or {advice.Text}",
            { } settings when settings.All(s_weights.ContainsKey) => $"{advice.Text} (tools/test: {Listed(settings)})",
            _ => advice.Text, // keys of the config
        };

    /// <summary>As wide as what it stands for, where that is a column.</summary>
    private static string Fill(string option, string text) => text.EndsWith(' ') ? option.PadRight(text.Length) : option;

    private static string Listed(IReadOnlyList<string> settings)
    {
        var options = settings.Select(setting => s_weights[setting]).ToArray();
        return options is [.. var first, var last] && first.Length > 0 ? $"{string.Join(", ", first)} and {last}" : options[0];
    }
}
