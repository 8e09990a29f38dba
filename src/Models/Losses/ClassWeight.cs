using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;

namespace Tessera.Models.Losses;

/// <summary>How class weights follow from how often the classes occur in the training data.</summary>
public enum ClassWeightRule
{
    /// <summary>One over the count, scaled so that the mean over all that is counted is 1.</summary>
    Inverse,

    /// <summary>The count of the most frequent class over the class's own: 1 for the most frequent.</summary>
    MaxOverCount,

    /// <summary>(1 - beta) / (1 - beta^count), scaled to a mean of 1 over the classes that occur: Cui et al., 2019,
    /// arXiv:1901.05555.</summary>
    Effective,
}

/// <summary>
/// A weight for each class: a list of numbers; a rule (<c>"max_over_count"</c>); or a rule with its values (<c>{ "rule": …, "beta": …,
/// "values": […] }</c>), as a run writes it once it has counted, so that what is trained doesn't depend on counting again.
/// </summary>
/// <param name="Values">By class; null for a rule that is not filled in yet.</param>
/// <param name="Rule">null where the numbers were given.</param>
/// <param name="Beta">Of the rule "effective", in [0, 1); null: chosen by what is counted.</param>
public sealed record ClassWeight(double[]? Values, ClassWeightRule? Rule = null, double? Beta = null) : IConfigParsable<ClassWeight>
{
    private const string RuleKey = "rule",
        BetaKey = "beta",
        ValuesKey = "values";

    public static string Expected =>
        $"a list of numbers, one a class, or {string.Join(", ", Words.Keys.Select(word => $"\"{word}\""))}, or {{ \"{RuleKey}\": …, "
        + $"\"{BetaKey}\": … }}";

    public static JsonObject Schema =>
        new()
        {
            ["oneOf"] = new JsonArray(
                Numbers(),
                WordsSchema(),
                new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        [RuleKey] = WordsSchema(),
                        [BetaKey] = new JsonObject
                        {
                            ["type"] = "number",
                            ["minimum"] = 0,
                            ["exclusiveMaximum"] = 1,
                        },
                        [ValuesKey] = Numbers(),
                    },
                    ["required"] = new JsonArray(RuleKey),
                    ["additionalProperties"] = false,
                }
            ),
        };

    private static Dictionary<string, ClassWeightRule> Words { get; } =
        Enum.GetValues<ClassWeightRule>().ToDictionary(rule => ConfigKey.NameOf(rule.ToString()));

    public static implicit operator ClassWeight?(double[]? values) => values is null ? null : new(values);

    public static bool TryParse(ConfigNode node, [MaybeNullWhen(false)] out ClassWeight value)
    {
        value = node switch
        {
            ConfigList list when ReadNumbers(list) is { } numbers => new ClassWeight(numbers),
            ConfigValue word when ReadRule(word) is { } rule => new ClassWeight(null, rule),
            ConfigMap map => ReadMap(map),
            _ => null,
        };
        return value is not null;
    }

    /// <summary>The rule with its values, for a config.</summary>
    public ConfigNode Filled(double[] values)
    {
        var map = new JsonObject { [RuleKey] = ConfigKey.NameOf(Rule!.Value.ToString()) };
        if (Beta is { } beta)
            map[BetaKey] = beta;
        map[ValuesKey] = new JsonArray([.. values.Select(value => (JsonNode)value)]);
        return ConfigDocument.Parse(map.ToJsonString(), "class weights").Root;
    }

    /// <summary>What is wrong where a rule is still without its values when they are needed.</summary>
    /// <param name="loss">Whose weights they are.</param>
    public UserErrorException Unfilled(string loss) =>
        new(
            $"{loss}: class_weight is {this}, a rule that a training run fills in from its training data, and here it isn't. Give the "
                + $"numbers as a list; tools/dataset-stats computes them."
        );

    public override string ToString() =>
        Rule is { } rule ? $"\"{ConfigKey.NameOf(rule.ToString())}\""
        : Values is null ? "[]"
        : $"[{string.Join(", ", Values.Select(value => value.ToString(CultureInfo.InvariantCulture)))}]";

    private static ClassWeight? ReadMap(ConfigMap map)
    {
        if (
            map.Keys.Any(key => key is not (RuleKey or BetaKey or ValuesKey))
            || map[RuleKey] is not { } word
            || ReadRule(word) is not { } rule
        )
            return null;
        double? beta = null;
        if (map[BetaKey] is { } given)
        {
            beta = ReadNumber(given);
            if (rule != ClassWeightRule.Effective || beta is not (>= 0 and < 1))
                return null;
        }
        if (map[ValuesKey] is not { } stored)
            return new ClassWeight(null, rule, beta);
        return stored is ConfigList list && ReadNumbers(list) is { } values ? new ClassWeight(values, rule, beta) : null;
    }

    private static ClassWeightRule? ReadRule(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.String } word && Words.TryGetValue(word.Text, out var rule) ? rule : null;

    private static double[]? ReadNumbers(ConfigList list)
    {
        var numbers = list.Select(ReadNumber).ToArray();
        return numbers.Length == 0 || numbers.Contains(null) ? null : Array.ConvertAll(numbers, number => number!.Value);
    }

    private static double? ReadNumber(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.Number } number
        && double.TryParse(number.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
        && double.IsFinite(value)
            ? value
            : null;

    private static JsonObject WordsSchema() => new() { ["enum"] = new JsonArray([.. Words.Keys.Select(word => (JsonNode)word)]) };

    private static JsonObject Numbers() =>
        new()
        {
            ["type"] = "array",
            ["items"] = new JsonObject
            {
                ["anyOf"] = new JsonArray(new JsonObject { ["type"] = "number" }, new JsonObject { ["$ref"] = "#/$defs/reference" }),
            },
            ["minItems"] = 1,
        };
}
