using Tessera.Framework.Configuration;

namespace Tessera.Framework.Components;

/// <summary>Which of the shipped configs name which component by <c>"type"</c>, so that a listing can send its reader to an
/// example.</summary>
public sealed class ShippedExamples
{
    private const string TypeKey = "type";

    private readonly Dictionary<ComponentDescription, List<string>> _configs = [];
    private readonly Dictionary<(string Kind, string Name), ComponentDescription> _components;
    private readonly Dictionary<string, List<ConfigKey>> _keysOfKinds;

    private ShippedExamples(ComponentRegistry registry)
    {
        _components = registry.All.ToDictionary(component => (component.Kind.Name, component.Name));
        _keysOfKinds = registry
            .All.GroupBy(component => component.Kind.Name)
            .ToDictionary(kind => kind.Key, kind => kind.SelectMany(component => component.Keys).ToList());
    }

    /// <summary>Reads every shipped config as it is written, without its bases.</summary>
    /// <param name="root">The options record of a whole config.</param>
    /// <returns>null where the program has no configs beside it.</returns>
    public static ShippedExamples? Read(ComponentRegistry registry, Type root)
    {
        if (ShippedConfigs.Folder is not { } folder)
            return null;
        var examples = new ShippedExamples(registry);
        var keys = OptionsBinder.RootKeys(registry, root);
        var names = ShippedConfigs.Names(folder).Select(name => name[ShippedConfigs.Prefix.Length..]);
        foreach (var name in names.OrderBy(name => name.StartsWith("_base_", StringComparison.Ordinal)))
        {
            if (ConfigParser.Parse(name, File.ReadAllBytes(Path.Combine(folder, name)), new MistakeList()) is { } map)
                examples.AddValues(name, map, kind: null, keys);
        }
        return examples;
    }

    /// <summary>The configs, as paths below <c>configs</c>: those in a folder of the component's name first, then other whole ones, then
    /// bases; none where no shipped config names the component.</summary>
    public IReadOnlyList<string> Of(ComponentDescription component) =>
        [
            .. (_configs.GetValueOrDefault(component) ?? []).OrderBy(config =>
                !config.StartsWith(component.Name + "/", StringComparison.OrdinalIgnoreCase)
            ),
        ];

    /// <param name="kind">The kind of component that stands here; null where it is a record.</param>
    /// <param name="keys">The keys of that record.</param>
    private void Add(string config, ConfigNode node, string? kind, IReadOnlyList<ConfigKey> keys)
    {
        if (node is ConfigList list)
            foreach (var item in list)
                Add(config, item, kind, keys);
        if (node is not ConfigMap map)
            return;
        if (kind is null)
            AddValues(config, map, null, keys);
        else if (map[TypeKey] is not ConfigValue { Kind: ConfigValueKind.String } type)
            AddValues(config, map, kind, _keysOfKinds[kind]); // the type stands in a base, or these are several by name
        else if (_components.TryGetValue((kind, type.Text), out var component))
        {
            Note(config, component);
            AddValues(config, map, null, component.Keys);
        }
    }

    /// <param name="kind">What a value may be whose key is none of <paramref name="keys"/>, or bears its name by chance.</param>
    private void AddValues(string config, ConfigMap map, string? kind, IReadOnlyList<ConfigKey> keys)
    {
        foreach (var (name, value) in map)
        {
            foreach (var (inner, nested) in keys.Where(key => key.Name == name).Select(Inside).DistinctBy(inside => inside.Kind))
                Add(config, value, inner, nested);
            if (kind is not null)
                Add(config, value, kind, []);
        }
    }

    /// <summary>What a key's value is, or its items are: a component of a kind, or a record.</summary>
    private (string? Kind, IReadOnlyList<ConfigKey> Nested) Inside(ConfigKey key)
    {
        var name = key.TypeName; // "backbone", "map of loss", "optimizer or a list", "epochs|iterations or loop"
        if (name.LastIndexOf(" or a ", StringComparison.Ordinal) is var choice and >= 0)
            name = name[..choice];
        name = name.Split(" of ")[^1].Split(" or ")[^1];
        return (_keysOfKinds.ContainsKey(name) ? name : null, key.Nested);
    }

    private void Note(string config, ComponentDescription component)
    {
        if (!_configs.TryGetValue(component, out var configs))
            _configs.Add(component, configs = []);
        if (configs.LastOrDefault() != config)
            configs.Add(config);
    }
}
