using System.Collections;
using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>A list: an array, or an interface that an array fits.</summary>
internal sealed class ListType(OptionType item) : OptionType
{
    private static readonly Type[] Definitions =
    [
        typeof(IReadOnlyList<>),
        typeof(IReadOnlyCollection<>),
        typeof(IEnumerable<>),
        typeof(IList<>),
    ];

    public override string Name => $"list of {item.Name}";

    public override string Expected => $"a list of {item.ExpectedMany}";

    public override OptionType? Item => item;

    public override string ExpectedMany => $"lists of {item.ExpectedMany}";

    public override Type Clr => item.Clr.MakeArrayType();

    public static Type? ItemOf(Type type)
    {
        if (type.IsArray)
            return type.GetElementType();
        return type.IsGenericType && Definitions.Contains(type.GetGenericTypeDefinition()) ? type.GenericTypeArguments[0] : null;
    }

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (node is not ConfigList list)
        {
            context.Add(node, path, ConfigErrors.WrongType(Expected, node));
            return null;
        }

        var items = Array.CreateInstance(item.Clr, list.Count);
        for (var i = 0; i < list.Count; i++)
        {
            if (item.Bind(context, list[i], ConfigPath.Join(path, $"{i}")) is { } value)
                items.SetValue(value, i);
        }

        return items;
    }

    public override JsonObject Schema(SchemaDefinitions schema) => new() { ["type"] = "array", ["items"] = schema.Value(item) };
}

/// <summary>A map from names to values; any name is allowed.</summary>
internal sealed class MapType(OptionType item) : OptionType
{
    public static readonly Type[] Definitions = [typeof(IReadOnlyDictionary<,>), typeof(IDictionary<,>), typeof(Dictionary<,>)];

    public override string Name => $"map of {item.Name}";

    public override string Expected => $"an object of {item.ExpectedMany}";

    public override OptionType? Item => item;

    public override string ExpectedMany => $"objects of {item.ExpectedMany}";

    public override Type Clr => typeof(Dictionary<,>).MakeGenericType(typeof(string), item.Clr);

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (node is not ConfigMap map)
        {
            context.Add(node, path, ConfigErrors.WrongType(Expected, node));
            return null;
        }

        var values = (IDictionary)Activator.CreateInstance(Clr)!;
        foreach (var (key, value) in map)
        {
            if (item.Bind(context, value, ConfigPath.Join(path, key)) is { } bound)
                values[key] = bound;
        }

        return values;
    }

    public override JsonObject Schema(SchemaDefinitions schema) => schema.Map(item);
}

/// <summary>A value or a list of them.</summary>
internal sealed class OneOrManyType(Type clr, OptionType item) : OptionType
{
    private readonly ListType _list = new(item);

    public override string Name => $"{item.Name} or a list";

    public override string Expected => $"{item.Expected} or a list of them";

    public override OptionType? Item => item;

    public override string ExpectedMany => item.ExpectedMany;

    public override Type Clr => clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        var items = node is ConfigList ? _list.Bind(context, node, path) as Array : null;
        if (items is null)
        {
            if (item.Bind(context, node, path) is not { } one)
                return null;
            items = Array.CreateInstance(item.Clr, 1);
            items.SetValue(one, 0);
        }

        return Activator.CreateInstance(clr, items);
    }

    public override JsonObject Schema(SchemaDefinitions schema) =>
        new() { ["anyOf"] = new JsonArray(schema.Value(item), _list.Schema(schema)) };
}

/// <summary>A component, or a map of named ones.</summary>
internal sealed class OneOrNamedType(Type clr, OptionType item) : OptionType
{
    private readonly MapType _map = new(item);

    public override string Name => $"{item.Name} or a map";

    public override string Expected => $"{item.Expected} or an object of named ones";

    public override OptionType? Item => item;

    public override string ExpectedMany => item.ExpectedMany;

    public override Type Clr => clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        // Without a type it is a map of named ones only where the values look like components.
        var named = node is ConfigMap map && map["type"] is null && map.Count > 0 && map.All(entry => entry.Value is ConfigMap);
        var value = named ? _map.Bind(context, node, path) : item.Bind(context, node, path);
        return value is null ? null
            : named ? Activator.CreateInstance(clr, null, value)
            : Activator.CreateInstance(clr, value, Activator.CreateInstance(_map.Clr));
    }

    public override JsonObject Schema(SchemaDefinitions schema) =>
        new() { ["anyOf"] = new JsonArray(schema.Value(item), _map.Schema(schema)) };
}
