using System.Globalization;
using Tessera.Framework.Errors;
using Tessera.Models.PseudoLabels;

namespace Tessera.Tools.PseudoLabels;

/// <summary>How background is told from classes, as it is written on the command line.</summary>
/// <param name="Rule">null: the threshold is searched.</param>
internal sealed record BackgroundChoice(BackgroundRule? Rule)
{
    private static readonly string[] s_forms = ["fixed", "two", "search"];

    /// <summary>"fixed:0.45", "two:0.25,0.7" or "search".</summary>
    /// <exception cref="UserErrorException">It is none of these.</exception>
    public static BackgroundChoice Parse(string text)
    {
        var (form, values) = text.Split(':', 2) is [var name, var rest] ? (name, rest.Split(',')) : (text, []);
        var numbers = values.Select(Number).ToArray();
        return (form, numbers) switch
        {
            ("search", []) => new BackgroundChoice((BackgroundRule?)null),
            ("fixed", [{ } threshold]) => new BackgroundChoice(BackgroundRule.Fixed(threshold)),
            ("two", [{ } low, { } high]) when low <= high => new BackgroundChoice(new BackgroundRule(low, high)),
            _ => throw new UserErrorException(
                $"--background is \"{text}\"; fixed:0.45 (one threshold), two:0.25,0.7 (background up to the first, ignored up to the "
                    + $"second) or search was expected, thresholds from 0 to 1.{NearestName.Suggest(form, s_forms.Except([form]))}"
            ),
        };
    }

    public override string ToString() =>
        Rule switch
        {
            null => "search",
            { Low: var low, High: var high } when low == high => string.Create(CultureInfo.InvariantCulture, $"fixed:{low}"),
            { Low: var low, High: var high } => string.Create(CultureInfo.InvariantCulture, $"two:{low},{high}"),
        };

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1 ? value : null;
}
