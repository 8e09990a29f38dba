using System.Text;

namespace Tessera.Framework.Configuration;

/// <summary>
/// Fills in <c>${a.b}</c> (another key), <c>${env:NAME}</c> and <c>${env:NAME,default}</c> (the environment). A value that is
/// one reference and nothing else takes the type of what it names; <c>$${</c> stands for a plain <c>${</c>.
/// </summary>
/// <param name="keepUnset">Leaves references to unset variables as they are instead of reporting them.</param>
internal sealed class ConfigReferences(MistakeList mistakes, Func<string, string?> environment, bool keepUnset = false)
{
    public const string DataRootKey = "data_root";
    public const string DataRootVariable = "TESSERA_DATA_ROOT";

    private const int MaxNodes = 200_000;
    private const int MaxText = 1 << 20;

    private static readonly SourceLocation DataRootSource = new(DataRootVariable, 0);

    private readonly HashSet<ConfigNode> _open = new(ReferenceEqualityComparer.Instance);
    private readonly List<string> _chain = [];
    private readonly HashSet<string> _circles = [];
    private ConfigMap _root = new(SourceLocation.CommandLine);
    private int _nodes;

    /// <param name="useVariable">Lets TESSERA_DATA_ROOT replace data_root.</param>
    public ConfigMap Resolve(ConfigMap root, bool useVariable)
    {
        _root = root;
        if (useVariable && environment(DataRootVariable) is { Length: > 0 } directory)
        {
            _root = root.CopyFrom(root.Source);
            _root.Set(DataRootKey, new ConfigValue(DataRootSource, ConfigValueKind.String, directory).Replacing(root[DataRootKey]));
        }

        return (ConfigMap)Resolve(_root, "");
    }

    private ConfigNode Resolve(ConfigNode node, string path)
    {
        if (++_nodes >= MaxNodes)
        {
            if (_nodes == MaxNodes)
                mistakes.Add(new Mistake(node.Source, path, ConfigErrors.ReferencesGrow()));
            return node;
        }

        if (!_open.Add(node))
        {
            // Each member of a circle is met in turn; the circle is reported once.
            var circle = _chain.Skip(_chain.IndexOf(_chain[^1]) is var first && first < _chain.Count - 1 ? first + 1 : 0).ToList();
            if (_circles.Add(string.Join('\n', circle.Order(StringComparer.Ordinal))))
                mistakes.Add(new Mistake(node.Source, path, ConfigErrors.CyclicReference(circle)));
            return node;
        }

        var resolved = node switch
        {
            ConfigMap map => ResolveMap(map, path),
            ConfigList list => new ConfigList(list.Source, list.Select((item, i) => Resolve(item, ConfigPath.Join(path, $"{i}"))))
            {
                Replaced = list.Replaced,
            },
            ConfigValue { Kind: ConfigValueKind.String } value
                when value.Source != DataRootSource && value.Text.Contains("${", StringComparison.Ordinal) => ResolveText(value, path),
            _ => node,
        };
        _open.Remove(node);
        return resolved;
    }

    private ConfigMap ResolveMap(ConfigMap map, string path)
    {
        var resolved = map.CopyFrom(map.Source);
        foreach (var (key, value) in map)
            resolved.Set(key, Resolve(value, ConfigPath.Join(path, key)));
        return resolved;
    }

    private ConfigNode ResolveText(ConfigValue value, string path)
    {
        if (ReferenceText.Split(value.Text) is not { } parts)
        {
            mistakes.Add(new Mistake(value.Source, path, ConfigErrors.OpenReference(value.Text)));
            return value;
        }
        if (parts is [{ IsReference: true } only])
            return Look(value, only.Text, path) ?? value;

        var result = new StringBuilder();
        foreach (var part in parts)
        {
            if (!part.IsReference)
            {
                result.Append(part.Text);
                continue;
            }
            if (Look(value, part.Text, path) is not { } found)
                return value;
            if (found is not ConfigValue scalar)
            {
                mistakes.Add(new Mistake(value.Source, path, ConfigErrors.ReferenceInText("${" + part.Text + "}", found)));
                return value;
            }
            result.Append(scalar.Text);
            if (result.Length > MaxText)
            {
                mistakes.Add(new Mistake(value.Source, path, ConfigErrors.ReferencesGrow()));
                return value;
            }
        }
        return new ConfigValue(value.Source, ConfigValueKind.String, result.ToString()) { Replaced = value.Replaced };
    }

    private ConfigNode? Look(ConfigValue from, string expression, string path)
    {
        if (ReferenceText.Variable(expression) is { } variable)
            return LookInEnvironment(from, variable, path);
        if (ConfigPath.Split(expression) is not { } keys)
        {
            mistakes.Add(new Mistake(from.Source, path, ConfigErrors.OpenReference("${" + expression + "}")));
            return null;
        }

        ConfigNode? node = _root;
        for (var i = 0; i < keys.Count && node is not null; i++)
        {
            // On the way through a value that is itself a reference, that one is filled in first.
            if (node is ConfigValue { Kind: ConfigValueKind.String })
                node = Follow(node, ConfigPath.Join(keys.Take(i)));
            var below = Child(node, keys[i]);
            if (below is null && i == 0 && keys is [DataRootKey])
                return new ConfigValue(from.Source, ConfigValueKind.String, "data");
            if (below is null)
            {
                var known = (node as ConfigMap)?.Keys ?? [];
                mistakes.Add(
                    new Mistake(from.Source, path, ConfigErrors.NoSuchKey(expression, ConfigPath.Join(keys.Take(i)), keys[i], known))
                );
            }

            node = below;
        }

        return node is null ? null : Follow(node, ConfigPath.Join(keys));
    }

    private ConfigNode Follow(ConfigNode node, string path)
    {
        _chain.Add(path);
        var resolved = Resolve(node, path);
        _chain.RemoveAt(_chain.Count - 1);
        return resolved;
    }

    private ConfigValue? LookInEnvironment(ConfigValue from, string expression, string path)
    {
        var comma = expression.IndexOf(',', StringComparison.Ordinal);
        var name = (comma < 0 ? expression : expression[..comma]).Trim();
        var text = environment(name) ?? (comma < 0 ? null : expression[(comma + 1)..]);
        if (text is null && !keepUnset)
            mistakes.Add(new Mistake(from.Source, path, ConfigErrors.VariableNotSet(name)));
        if (text is null)
            return null;
        return ConfigParser.ParseValue(text, from.Source) as ConfigValue ?? new ConfigValue(from.Source, ConfigValueKind.String, text);
    }

    public static ConfigNode? Child(ConfigNode? node, string key) =>
        node switch
        {
            ConfigMap map => map[key],
            ConfigList list when ConfigOverrides.IndexOf(list, key) is { } index => list[index],
            _ => null,
        };
}
