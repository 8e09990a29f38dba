using Tessera.Framework.Models;

namespace Tessera.Models.Backbones;

/// <summary>
/// A key map as pairs of modules, foreign and own, written down one by one: "features.0.0" is "conv1.conv". Their parameters have the
/// same names on both sides; a parameter of another name is a pair of its own. What is in no pair has no place here.
/// </summary>
internal sealed class ModuleNames
{
    private readonly Dictionary<string, string> _read = [];
    private readonly Dictionary<string, string> _publish = [];

    /// <summary>A pair that reads and publishes.</summary>
    public ModuleNames Pair(string foreign, string own)
    {
        _read[foreign] = own;
        _publish[own] = foreign;
        return this;
    }

    /// <summary>Two modules that lie side by side: a convolution and its norm.</summary>
    public ModuleNames Pairs(string foreign, string own, params (string Foreign, string Own)[] within)
    {
        foreach (var (theirs, ours) in within)
            Pair(foreign + theirs, own + ours);
        return this;
    }

    /// <summary>A pair that only reads: an older name.</summary>
    public ModuleNames Older(string foreign, string own)
    {
        _read[foreign] = own;
        return this;
    }

    /// <param name="classifier">The foreign name of a whole model's last layer.</param>
    /// <param name="prefix">What the foreign form puts before the backbone's keys in a whole model.</param>
    public KeyMap ToKeyMap(string classifier, string prefix = "") =>
        new(key =>
            Renamed(_read, key.StartsWith(prefix, StringComparison.Ordinal) ? key[prefix.Length..] : key)
            ?? (prefix.Length > 0 ? Renamed(_read, key) : null)
        )
        {
            Publish = key => Renamed(_publish, key) is { } foreign ? Prefixed(foreign, prefix) : null,
            Classifier = classifier,
        };

    // A whole model's head lies beside its backbone, not in it.
    private static string Prefixed(string foreign, string prefix) =>
        foreign.StartsWith("head.", StringComparison.Ordinal) ? foreign : prefix + foreign;

    private static string? Renamed(Dictionary<string, string> names, string key)
    {
        if (names.TryGetValue(key, out var whole))
            return whole;
        var dot = key.LastIndexOf('.');
        return dot > 0 && names.TryGetValue(key[..dot], out var module) ? module + key[dot..] : null;
    }
}
