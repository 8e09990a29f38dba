using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Tessera.Framework.Configuration;

/// <summary>A value of a config document that remembers where it was written and what it replaced.</summary>
public abstract class ConfigNode(SourceLocation source)
{
    public SourceLocation Source { get; } = source;

    /// <summary>What stood here in the file below, if anything.</summary>
    public ConfigNode? Replaced { get; internal set; }

    /// <summary>The value as JSON on one line.</summary>
    public override string ToString() => ConfigWriter.Write(this, indented: false);

    /// <summary>True where both hold the same JSON value, wherever it was written.</summary>
    public static bool DeepEquals(ConfigNode left, ConfigNode right) =>
        (left, right) switch
        {
            (ConfigValue a, ConfigValue b) => a.Kind == b.Kind && a.Text == b.Text,
            (ConfigList a, ConfigList b) => a.Count == b.Count && a.Zip(b).All(pair => DeepEquals(pair.First, pair.Second)),
            (ConfigMap a, ConfigMap b) => a.Count == b.Count
                && a.All(entry => b.TryGet(entry.Key, out var other) && DeepEquals(entry.Value, other)),
            _ => false,
        };

    internal abstract ConfigNode CopyShallow();

    internal ConfigNode Replacing(ConfigNode? below)
    {
        if (below is null)
            return this;
        var copy = CopyShallow();
        copy.Replaced = below;
        return copy;
    }
}

public enum ConfigValueKind
{
    Null,
    Boolean,
    Number,
    String,
}

/// <summary>A string, number, boolean or null.</summary>
/// <param name="kind">What it is.</param>
/// <param name="text">The string's content; otherwise the JSON token as written.</param>
public sealed class ConfigValue(SourceLocation source, ConfigValueKind kind, string text) : ConfigNode(source)
{
    public ConfigValueKind Kind { get; } = kind;

    public string Text { get; } = text;

    internal override ConfigNode CopyShallow() => new ConfigValue(Source, Kind, Text) { Replaced = Replaced };
}

/// <summary>A JSON array.</summary>
public sealed class ConfigList(SourceLocation source, IEnumerable<ConfigNode> items) : ConfigNode(source), IReadOnlyList<ConfigNode>
{
    private readonly List<ConfigNode> _items = [.. items];

    public int Count => _items.Count;

    public ConfigNode this[int index] => _items[index];

    public IEnumerator<ConfigNode> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal override ConfigNode CopyShallow() => new ConfigList(Source, _items) { Replaced = Replaced };
}

/// <summary>A JSON object; the keys keep their order.</summary>
public sealed class ConfigMap(SourceLocation source) : ConfigNode(source), IEnumerable<KeyValuePair<string, ConfigNode>>
{
    private const string TypeKey = "type";

    private readonly OrderedDictionary<string, ConfigNode> _entries = [];
    private readonly Dictionary<string, ConfigNode> _removed = [];
    private readonly Dictionary<string, ConfigValue> _writtenFor = [];

    public int Count => _entries.Count;

    public IEnumerable<string> Keys => _entries.Keys;

    /// <summary>The value of <paramref name="key"/>, or null.</summary>
    public ConfigNode? this[string key] => _entries.GetValueOrDefault(key);

    public bool TryGet(string key, [NotNullWhen(true)] out ConfigNode? value) => _entries.TryGetValue(key, out value);

    public IEnumerator<KeyValuePair<string, ConfigNode>> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>True where a <c>null</c> removed the key.</summary>
    public bool IsRemoved(string key) => _removed.ContainsKey(key);

    /// <summary>The nulls that removed keys from this map.</summary>
    internal IReadOnlyDictionary<string, ConfigNode> Removed => _removed;

    /// <summary>Keys that were written beside another "type" than the one that stands here now, each with that type.</summary>
    internal IReadOnlyDictionary<string, ConfigValue> WrittenFor => _writtenFor;

    internal void Set(string key, ConfigNode value)
    {
        _entries[key] = value;
        _removed.Remove(key);
    }

    internal void Remove(string key, ConfigNode by)
    {
        _entries.Remove(key);
        _removed[key] = by;
        _writtenFor.Remove(key);
    }

    /// <summary>Notes that "type" becomes <paramref name="type"/>, before it does: what stands here was written for the present
    /// one.</summary>
    internal void ChangeType(ConfigValue type)
    {
        if (this[TypeKey] is not ConfigValue { Kind: ConfigValueKind.String } present || present.Text == type.Text)
            return;
        foreach (var (key, value) in _entries)
        {
            if (_writtenFor.TryGetValue(key, out var earlier))
            {
                if (earlier.Text == type.Text)
                    _writtenFor.Remove(key); // back to the type that it was written for
            }
            else if (key != TypeKey && !(value.Source == SourceLocation.CommandLine && type.Source == SourceLocation.CommandLine))
            {
                _writtenFor.Add(key, present);
            }
        }
    }

    /// <summary>Notes that the key is written for the type that stands here now.</summary>
    internal void Own(string key) => _writtenFor.Remove(key);

    internal override ConfigNode CopyShallow() => CopyFrom(Source);

    /// <summary>A copy with a value for a key, in place of the one that is there.</summary>
    public ConfigMap With(string key, ConfigNode value)
    {
        var copy = CopyFrom(Source);
        copy.Set(key, value);
        return copy;
    }

    /// <summary>A copy without a key.</summary>
    public ConfigMap Without(string key)
    {
        var copy = CopyFrom(Source);
        copy._entries.Remove(key);
        copy._writtenFor.Remove(key);
        return copy;
    }

    /// <summary>A copy that has forgotten what was removed from it, except some keys.</summary>
    internal ConfigMap WithRemoved(Func<string, bool> kept)
    {
        var copy = CopyFrom(Source);
        foreach (var key in _removed.Keys.Where(key => !kept(key)))
            copy._removed.Remove(key);
        return copy;
    }

    internal ConfigMap CopyFrom(SourceLocation source)
    {
        var copy = new ConfigMap(source) { Replaced = Replaced };
        foreach (var (key, value) in _entries)
            copy._entries.Add(key, value);
        foreach (var (key, value) in _removed)
            copy._removed.Add(key, value);
        foreach (var (key, type) in _writtenFor)
            copy._writtenFor.Add(key, type);
        return copy;
    }
}
