using System.Text.RegularExpressions;

namespace Tessera.Framework.Optimization;

/// <summary>
/// A pattern over dotted parameter names. With a <c>*</c> it covers the whole name (<c>*.attn.*.weight</c>); without one it
/// is a run of whole segments anywhere in it (<c>decode_head</c>, <c>layer4.0</c>).
/// </summary>
public sealed class NamePattern
{
    private readonly Regex? _glob;

    public NamePattern(string text)
    {
        Text = text;
        if (text.Contains('*', StringComparison.Ordinal))
            _glob = new Regex("^" + Regex.Escape(text).Replace("\\*", ".*", StringComparison.Ordinal) + "$", RegexOptions.NonBacktracking);
    }

    public string Text { get; }

    public bool Matches(string name) => _glob?.IsMatch(name) ?? $".{name}.".Contains($".{Text}.", StringComparison.Ordinal);
}
