namespace Tessera.Framework.Components;

/// <summary>Options of which some are short forms of others; tools/print-config shows what they stand for.</summary>
public interface IShortForms
{
    /// <summary>The maps that stand in place of the options, by key; null for a key that is left out.</summary>
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>?> Expand();
}
