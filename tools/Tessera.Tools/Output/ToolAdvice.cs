using Tessera.Framework.Errors;

namespace Tessera.Tools.Output;

/// <summary>What an error advises, in the words of the command line.</summary>
internal static class ToolAdvice
{
    /// <summary>Options of the tools that take weights (<see cref="Evaluation.WeightArguments"/>), by the keys of an initializer.</summary>
    private static readonly Dictionary<string, string> s_weights = new()
    {
        ["weights"] = "--weights",
        ["part"] = "--part",
        ["prefix"] = "--prefix",
        ["keys"] = "--keys",
        ["key_map"] = "--key-map",
    };

    /// <summary>An error's message, in which each advice names the option to give.</summary>
    public static string MessageOf(UserErrorException mistake) => Worded(mistake.Message, mistake.Advice);

    /// <summary>A message of the log, likewise.</summary>
    /// <param name="values">What stands in it.</param>
    public static string OfMessage(string text, IEnumerable<object?> values) =>
        Worded(text, values.OfType<AdvisedText>().SelectMany(value => value.Advice));

    private static string Worded(string message, IEnumerable<Advice> advice) =>
        advice
            .DistinctBy(phrase => phrase.Text)
            .Aggregate(message, (text, phrase) => text.Replace(phrase.Text, Words(phrase), StringComparison.Ordinal));

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
            ["size"] => $"{advice.Text} (tools/export: --size HxW; with --with-preprocessing also --dynamic size)",
            ["open_size"] => $"{advice.Text} (tools/export: --dynamic size beside --size HxW)",
            [var key, var value] when s_weights.TryGetValue(key, out var option) && !s_weights.ContainsKey(value) =>
                $"{advice.Text} (tools/test: {option} {value})",
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
