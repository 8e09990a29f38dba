using System.Text;
using System.Text.RegularExpressions;
using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>
/// A key map as pairs of prefixes, foreign and own, in which * stands for a number: ("layers.*.ln1.", "blocks.*.norm1.").
/// The first pair that fits decides, in either direction; a key that fits none keeps its name.
/// </summary>
internal sealed class KeyTable
{
    private readonly List<(Regex Pattern, string Replacement)> _read = [];
    private readonly List<(Regex Pattern, string Replacement)> _publish = [];
    private readonly string _prefix;
    private readonly string? _classifier;

    /// <param name="classifier">The foreign name of a whole model's last layer; null where there is none.</param>
    /// <param name="prefix">What the foreign form puts before the backbone's keys in a whole model.</param>
    public KeyTable(string? classifier, string prefix = "") => (_classifier, _prefix) = (classifier, prefix);

    /// <summary>A pair that reads and publishes.</summary>
    public KeyTable Pair(string foreign, string own)
    {
        _read.Add(Rule(foreign, own));
        _publish.Add(Rule(own, foreign));
        return this;
    }

    /// <summary>A pair that only reads: an older name, or another project's.</summary>
    public KeyTable Older(string foreign, string own)
    {
        _read.Add(Rule(foreign, own));
        return this;
    }

    public KeyMap ToKeyMap() =>
        new(key =>
        {
            if (_classifier is not null && key.StartsWith(_classifier + ".", StringComparison.Ordinal))
                return null;
            return Apply(_read, key.StartsWith(_prefix, StringComparison.Ordinal) ? key[_prefix.Length..] : key);
        })
        {
            Publish = key => _prefix + Apply(_publish, key),
            Classifier = _classifier,
        };

    private static string Apply(List<(Regex Pattern, string Replacement)> rules, string key)
    {
        foreach (var (pattern, replacement) in rules)
            if (pattern.IsMatch(key))
                return pattern.Replace(key, replacement);
        return key;
    }

    private static (Regex, string) Rule(string from, string to)
    {
        var replacement = new StringBuilder();
        var number = 0;
        foreach (var c in to)
            replacement.Append(c == '*' ? $"${{{++number}}}" : c.ToString());
        var pattern = "^" + Regex.Escape(from).Replace("\\*", "([0-9]+)", StringComparison.Ordinal);
        return (new Regex(pattern, RegexOptions.NonBacktracking), replacement.ToString());
    }
}
