using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Framework.Metrics.Analysis;

/// <summary>What a threshold of scores is chosen for.</summary>
/// <param name="Precision">The least precision; null: the greatest F1.</param>
public sealed record ThresholdRule(double? Precision)
{
    private const string F1 = "f1",
        OfPrecision = "precision:";

    /// <summary>The greatest F1, the harmonic mean of precision and recall.</summary>
    public static ThresholdRule GreatestF1 { get; } = new((double?)null);

    /// <param name="text">"f1", or "precision:0.9": as much recall as that precision leaves.</param>
    /// <exception cref="UserErrorException">It is neither.</exception>
    public static ThresholdRule Parse(string text)
    {
        if (text == F1)
            return GreatestF1;
        return
            text.StartsWith(OfPrecision, StringComparison.Ordinal)
            && double.TryParse(text[OfPrecision.Length..], NumberStyles.Float, CultureInfo.InvariantCulture, out var precision)
            && precision is > 0 and <= 1
            ? new ThresholdRule(precision)
            : throw new UserErrorException($"The rule is \"{text}\"; \"{F1}\" or \"{OfPrecision}0.9\" (above 0, at most 1) was expected.");
    }

    public override string ToString() => Precision is { } precision ? FormattableString.Invariant($"{OfPrecision}{precision}") : F1;
}
