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
    private readonly List<Rule> _read = [];
    private readonly List<Rule> _publish = [];
    private readonly List<(Rule Rule, string Part, string[] Parts)> _joined = [];
    private readonly List<string> _passed = [];
    private readonly string _prefix;
    private string[] _olderPrefixes = [];
    private readonly string? _classifier;

    /// <param name="classifier">The foreign name of a whole model's last layer; null where there is none.</param>
    /// <param name="prefix">What the foreign form puts before the backbone's keys in a whole model.</param>
    public KeyTable(string? classifier, string prefix = "") => (_classifier, _prefix) = (classifier, prefix);

    /// <summary>A pair that reads and publishes.</summary>
    public KeyTable Pair(string foreign, string own)
    {
        _read.Add(new Rule(foreign, own));
        _publish.Add(new Rule(own, foreign));
        return this;
    }

    /// <summary>A pair that only reads: an older name, or another project's.</summary>
    public KeyTable Older(string foreign, string own)
    {
        _read.Add(new Rule(foreign, own));
        return this;
    }

    /// <summary>Several foreign tensors that are one here, in their order. Such a table only reads.</summary>
    /// <param name="parts">What they are called behind <paramref name="foreign"/>.</param>
    public KeyTable Join(string foreign, string[] parts, string own)
    {
        foreach (var part in parts)
        {
            var rule = new Rule(foreign + part, own);
            _read.Add(rule);
            _joined.Add((rule, part, parts));
        }
        return this;
    }

    /// <summary>Beginnings of names that have no place here and aren't missed.</summary>
    public KeyTable Pass(params string[] foreign)
    {
        _passed.AddRange(foreign);
        return this;
    }

    /// <summary>What may stand before the backbone's keys instead, which is only read.</summary>
    public KeyTable OrBelow(params string[] prefixes)
    {
        _olderPrefixes = prefixes;
        return this;
    }

    public KeyMap ToKeyMap() =>
        new(key => IsOfClassifier(key) || IsPassed(key) ? null : Apply(_read, key[Start(key)..]))
        {
            Publish = _joined.Count > 0 ? null : key => _prefix + Apply(_publish, key),
            Joined = _joined.Count > 0 ? PartsOf : null,
            Computed = _passed.Count > 0 ? IsPassed : null,
            Classifier = _classifier,
        };

    private bool IsOfClassifier(string key) => _classifier is not null && key.StartsWith(_classifier + ".", StringComparison.Ordinal);

    private bool IsPassed(string key) => _passed.Any(name => key.AsSpan(Start(key)).StartsWith(name, StringComparison.Ordinal));

    private int Start(string key) =>
        key.StartsWith(_prefix, StringComparison.Ordinal) && _prefix.Length > 0
            ? _prefix.Length
            : _olderPrefixes.FirstOrDefault(prefix => key.StartsWith(prefix, StringComparison.Ordinal))?.Length ?? 0;

    private string[]? PartsOf(string key)
    {
        var (before, name) = (key[..Start(key)], key[Start(key)..]);
        foreach (var (rule, part, parts) in _joined)
            if (rule.Match(name) is { Length: var end })
                return [.. parts.Select(other => before + name[..(end - part.Length)] + other + name[end..])];
        return null;
    }

    private static string Apply(List<Rule> rules, string key)
    {
        foreach (var rule in rules)
            if (rule.Match(key) is { } match)
                return match.Result(rule.Replacement) + key[match.Length..];
        return key;
    }

    /// <summary>One direction of a pair.</summary>
    private sealed class Rule
    {
        private readonly string _start; // what a key has to begin with: most rules are passed over by it
        private readonly Lazy<Regex> _pattern; // takes its time to be made

        public Rule(string from, string to)
        {
            _start = from.Split('*')[0];
            _pattern = new(() =>
                new Regex("^" + Regex.Escape(from).Replace("\\*", "([0-9]+)", StringComparison.Ordinal), RegexOptions.NonBacktracking)
            );
            var replacement = new StringBuilder();
            var number = 0;
            foreach (var c in to)
                replacement.Append(c == '*' ? $"${{{++number}}}" : c.ToString());
            Replacement = replacement.ToString();
        }

        /// <summary>What stands for the part of a key that the rule is about.</summary>
        public string Replacement { get; }

        /// <summary>The part of the key that the rule is about; null where it isn't about it.</summary>
        public Match? Match(string key) =>
            key.StartsWith(_start, StringComparison.Ordinal) && _pattern.Value.Match(key) is { Success: true } match ? match : null;
    }
}
