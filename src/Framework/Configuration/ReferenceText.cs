namespace Tessera.Framework.Configuration;

/// <summary>A piece of a string in a config.</summary>
/// <param name="Text">Plain text, or what stands between <c>${</c> and <c>}</c>.</param>
internal readonly record struct TextPart(string Text, bool IsReference);

/// <summary>Takes a config's strings apart at their references.</summary>
internal static class ReferenceText
{
    private const string EnvironmentPrefix = "env:";

    /// <summary>The pieces in order, <c>$${</c> turned into a plain <c>${</c>; null where a reference has no end.</summary>
    public static IReadOnlyList<TextPart>? Split(string text)
    {
        var parts = new List<TextPart>();
        var position = 0;
        while (text.IndexOf("${", position, StringComparison.Ordinal) is >= 0 and var start)
        {
            if (start > 0 && text[start - 1] == '$')
            {
                parts.Add(new TextPart(text[position..(start - 1)] + "${", IsReference: false));
                position = start + 2;
                continue;
            }
            var end = text.IndexOf('}', start);
            if (end < 0)
                return null;
            if (start > position)
                parts.Add(new TextPart(text[position..start], IsReference: false));
            parts.Add(new TextPart(text[(start + 2)..end], IsReference: true));
            position = end + 1;
        }
        if (position < text.Length)
            parts.Add(new TextPart(text[position..], IsReference: false));
        return parts;
    }

    /// <summary>What follows <c>env:</c>; null for a reference to a key.</summary>
    public static string? Variable(string expression) =>
        expression.StartsWith(EnvironmentPrefix, StringComparison.Ordinal) ? expression[EnvironmentPrefix.Length..] : null;

    /// <summary>The keys that a value names which is one reference to a key and nothing else; null for any other.</summary>
    public static IReadOnlyList<string>? Target(ConfigNode node) =>
        node is ConfigValue { Kind: ConfigValueKind.String } value && Split(value.Text) is [{ IsReference: true } only]
            ? Keys(only.Text)
            : null;

    /// <summary>The keys that anything below <paramref name="node"/> refers to, in any string.</summary>
    public static IEnumerable<IReadOnlyList<string>> Targets(ConfigNode node) =>
        node switch
        {
            ConfigMap map => map.SelectMany(entry => Targets(entry.Value)),
            ConfigList list => list.SelectMany(Targets),
            ConfigValue { Kind: ConfigValueKind.String } value => (Split(value.Text) ?? [])
                .Where(part => part.IsReference)
                .Select(part => Keys(part.Text))
                .OfType<IReadOnlyList<string>>(),
            _ => [],
        };

    private static IReadOnlyList<string>? Keys(string expression) => Variable(expression) is null ? ConfigPath.Split(expression) : null;
}
