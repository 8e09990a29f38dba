using System.Globalization;
using System.Text.Json.Nodes;

namespace Tessera.Framework.Components.OptionTypes;

/// <summary>Integers, numbers, booleans and strings.</summary>
internal sealed class ScalarType : OptionType
{
    private static readonly Dictionary<Type, ScalarType> Known = new ScalarType[]
    {
        new(typeof(int), "int", "an integer", "integers", "integer", node => Integer(node) is { } n && n == (int)n ? (int)n : null),
        new(typeof(long), "int", "an integer", "integers", "integer", node => Integer(node)),
        new(typeof(double), "float", "a number", "numbers", "number", node => Number(node)),
        new(typeof(float), "float", "a number", "numbers", "number", node => (float?)Number(node) is { } n && float.IsFinite(n) ? n : null),
        new(
            typeof(bool),
            "bool",
            "true or false",
            "booleans",
            "boolean",
            node => node.Kind == ConfigValueKind.Boolean ? node.Text == "true" : null
        ),
        new(typeof(string), "string", "a string", "strings", "string", node => node.Kind == ConfigValueKind.String ? node.Text : null),
    }.ToDictionary(type => type.Clr);

    private readonly string _schema;
    private readonly Func<ConfigValue, object?> _read;

    private ScalarType(Type clr, string name, string expected, string many, string schema, Func<ConfigValue, object?> read) =>
        (Clr, Name, Expected, ExpectedMany, _schema, _read) = (clr, name, expected, many, schema, read);

    public override string Name { get; }

    public override string Expected { get; }

    public override string ExpectedMany { get; }

    public override Type Clr { get; }

    public static new ScalarType? For(Type type) => Known.GetValueOrDefault(type);

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        var value = node is ConfigValue scalar ? _read(scalar) : null;
        if (value is null)
            context.Add(node, path, ConfigErrors.WrongType(Expected, node));
        return value;
    }

    public override JsonObject Schema(SchemaDefinitions schema) => new() { ["type"] = _schema };

    // 1e3 and 40.0 are integers, too.
    private static long? Integer(ConfigValue node) =>
        node.Kind == ConfigValueKind.Number
        && decimal.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && number == decimal.Truncate(number)
        && number is >= long.MinValue and <= long.MaxValue
            ? (long)number
            : null;

    private static double? Number(ConfigValue node) =>
        node.Kind == ConfigValueKind.Number
        && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
        && double.IsFinite(number)
            ? number
            : null;
}

/// <summary>An enum, its members in snake_case.</summary>
internal sealed class EnumType(Type clr) : OptionType
{
    private readonly Dictionary<string, object> _members = Enum.GetNames(clr).ToDictionary(ConfigKey.NameOf, name => Enum.Parse(clr, name));

    public override string Name => string.Join("|", _members.Keys);

    public override string Expected => "one of " + string.Join(", ", _members.Keys.Select(ConfigWriter.Quote));

    public override string ExpectedMany => "values of " + string.Join(", ", _members.Keys.Select(ConfigWriter.Quote));

    public override Type Clr { get; } = clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        // A choice among auto, true and false also takes the JSON booleans.
        if (node is ConfigValue { Kind: ConfigValueKind.Boolean } flag && _members.TryGetValue(flag.Text, out var truth))
            return truth;
        if (node is ConfigValue { Kind: ConfigValueKind.String } text)
        {
            if (_members.TryGetValue(text.Text, out var member))
                return member;
            context.Add(node, path, ComponentErrors.UnknownValue(text.Text, _members.Keys));
            return null;
        }

        context.Add(node, path, ConfigErrors.WrongType(Expected, node));
        return null;
    }

    public override JsonObject Schema(SchemaDefinitions schema)
    {
        var values = _members.Keys.Select(name => (JsonNode)JsonValue.Create(name)).ToList();
        if (_members.ContainsKey("true"))
            values.AddRange([JsonValue.Create(true), JsonValue.Create(false)]);
        return new JsonObject { ["enum"] = new JsonArray([.. values]) };
    }
}

/// <summary>JSON of any form, handed on as it is.</summary>
internal sealed class NodeType(Type clr) : OptionType
{
    public override string Name => "any";

    public override string Expected => "any JSON";

    public override string ExpectedMany => "JSON values";

    public override Type Clr { get; } = clr;

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (Clr.IsInstanceOfType(node))
            return node;
        if (typeof(JsonNode).IsAssignableFrom(Clr) && JsonNode.Parse(node.ToString()) is { } json && Clr.IsInstanceOfType(json))
            return json;
        context.Add(
            node,
            path,
            ConfigErrors.WrongType(Clr == typeof(JsonArray) || Clr == typeof(ConfigList) ? "a list" : "an object", node)
        );
        return null;
    }

    public override JsonObject Schema(SchemaDefinitions schema) => [];
}

/// <summary>A type that reads itself.</summary>
internal sealed class ParsableType<T> : OptionType
    where T : IConfigParsable<T>
{
    public override string Name => ConfigKey.NameOf(typeof(T).Name);

    public override string Expected => T.Expected;

    public override string ExpectedMany => $"values, each {T.Expected}";

    public override Type Clr => typeof(T);

    public override object? Bind(BindContext context, ConfigNode node, string path)
    {
        if (T.TryParse(node, out var value))
            return value;
        context.Add(node, path, ConfigErrors.WrongType(Expected, node));
        return null;
    }

    public override JsonObject Schema(SchemaDefinitions schema) => T.Schema;
}
