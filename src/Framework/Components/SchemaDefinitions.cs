using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Components.OptionTypes;

namespace Tessera.Framework.Components;

/// <summary>The definitions of a schema: one for each component, kind and record, made when first referred to.</summary>
internal sealed class SchemaDefinitions(ComponentRegistry registry)
{
    private const string Prefix = "#/$defs/";

    private readonly SortedDictionary<string, JsonObject?> _definitions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Type> _records = [];
    private readonly Dictionary<string, List<ComponentDescription>> _components = []; // by the definition's name

    /// <summary>All that were referred to so far, with those of references and edits.</summary>
    public JsonObject All()
    {
        _definitions["reference"] = new JsonObject
        {
            ["description"] = "${a.b}: another key; ${env:NAME} or ${env:NAME,default}: the environment.",
            ["type"] = "string",
            ["pattern"] = "\\$\\{[^}]+\\}",
        };
        _definitions["edit"] = SchemaEdits.Of(null, []);
        return new JsonObject(_definitions.Select(pair => KeyValuePair.Create(pair.Key, (JsonNode?)pair.Value)));
    }

    /// <summary>A value of the type, a reference to one, or null.</summary>
    public JsonObject Value(OptionType type)
    {
        var schema = type.Schema(this);
        if (schema.Count == 0)
            return schema;
        var choices = new JsonArray(schema, Reference("reference"), new JsonObject { ["type"] = "null" });
        if (type is ListType or OneOrManyType)
            choices.Insert(1, Edit(schema));
        return new JsonObject { ["anyOf"] = choices };
    }

    public JsonObject Map(OptionType item) =>
        new()
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { ["_delete_"] = new JsonObject { ["type"] = "boolean" } },
            ["additionalProperties"] = Value(item),
        };

    public JsonObject Record(Type type) =>
        Define(
            NameOf(type),
            () =>
                new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = WithDelete(Properties(RecordShape.Of(type).Keys)),
                    ["additionalProperties"] = false,
                }
        );

    /// <summary>A component of the kind: "type" chooses what the other keys may be.</summary>
    public JsonObject Component(ComponentKind kind, Type expected)
    {
        var name = kind.Type == expected ? kind.Name : $"{kind.Name} {expected.Name}";
        name = name.Replace(' ', '_');
        _components[name] = [.. registry.For(expected).Where(component => component.Kind.Type == kind.Type)];
        return Define(
            name,
            () =>
            {
                var components = registry.For(expected).Where(component => component.Kind.Type == kind.Type).ToList();
                var choices = components.Select(component => new JsonObject
                {
                    ["if"] = new JsonObject
                    {
                        ["properties"] = new JsonObject { ["type"] = new JsonObject { ["const"] = component.Name } },
                        ["required"] = new JsonArray("type"),
                    },
                    ["then"] = One(component),
                });
                var schema = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject
                    {
                        ["type"] = new JsonObject
                        {
                            ["description"] = $"Which {kind.Name}.",
                            ["enum"] = new JsonArray([.. components.Select(component => JsonValue.Create(component.Name))]),
                        },
                    },
                };
                if (components.Count > 0)
                    schema["allOf"] = new JsonArray([.. choices, Untyped(components)]);
                return schema;
            }
        );
    }

    /// <summary>Where a base says the type, any component's options may stand, and no others.</summary>
    private JsonObject Untyped(List<ComponentDescription> components)
    {
        var properties = new JsonObject();
        foreach (var key in components.SelectMany(component => component.Keys).GroupBy(key => key.Name))
        {
            var schemas = key.Select(Property).Select(Plain).DistinctBy(schema => schema.ToJsonString()).ToArray();
            properties[key.Key] = schemas is [var only] ? only : new JsonObject { ["anyOf"] = new JsonArray([.. schemas]) };
        }
        return new JsonObject
        {
            ["if"] = new JsonObject { ["not"] = new JsonObject { ["required"] = new JsonArray("type") } },
            ["then"] = new JsonObject { ["properties"] = WithDelete(properties), ["additionalProperties"] = false },
        };

        static JsonObject Plain(JsonObject schema)
        {
            schema.Remove("description");
            schema.Remove("default");
            return schema;
        }
    }

    /// <summary>The edits of an inherited list; of one of components, with what may be inserted and changed.</summary>
    /// <param name="list">The list's schema.</param>
    private JsonObject Edit(JsonObject list) =>
        list["items"] is JsonObject items && NameIn(items) is { } name && _components.TryGetValue(name, out var components)
            ? Define("edit." + name, () => SchemaEdits.OfComponents(items, components, One))
            : Reference("edit");

    private static string? NameIn(JsonObject schema) =>
        ((schema["anyOf"] as JsonArray)?[0] ?? schema)["$ref"]?.GetValue<string>() is { } target
        && target.StartsWith(Prefix, StringComparison.Ordinal)
            ? target[Prefix.Length..]
            : null;

    private JsonObject One(ComponentDescription component) =>
        Define(
            $"{component.Kind.Name}.{component.Name}".Replace(' ', '_'),
            () =>
            {
                var properties = Properties(component.Keys);
                properties.Insert(0, "type", new JsonObject { ["const"] = component.Name });
                var schema = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = WithDelete(properties),
                    ["additionalProperties"] = false,
                };
                if (XmlDocs.SummaryOf(component.Type) is { } summary)
                    schema.Insert(0, "description", summary);
                return schema;
            }
        );

    public JsonObject Properties(IEnumerable<ConfigKey> keys)
    {
        var properties = new JsonObject();
        foreach (var key in keys)
            properties[key.Name] = Property(key);
        return properties;
    }

    private JsonObject Property(ConfigKey key)
    {
        var value = Value(key.Type);
        if (value["anyOf"] is JsonArray choices && choices[0] is JsonObject own)
        {
            foreach (var bound in key.Bounds)
                SchemaBounds.Add(bound, own["type"]?.GetValue<string>() == "array" && bound is RangeAttribute ? ItemsOf(own) : own);
        }

        var doc = key.Doc;
        if (key.Required)
            doc = doc is null ? "Required." : $"{doc} Required.";
        if (doc is not null)
            value.Insert(0, "description", doc);
        if (key is { HasDefault: true, Default: not null } && DefaultOf(key) is { } @default)
            value["default"] = @default;
        return value;
    }

    private static JsonObject ItemsOf(JsonObject list) => (JsonObject)((list["items"]!["anyOf"] as JsonArray)?[0] ?? list["items"]!);

    private static JsonNode? DefaultOf(ConfigKey key)
    {
        try
        {
            var text = key.Type.Show(key.Default);
            return key.Default is Enum ? JsonValue.Create(text) : JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return null; // a record's default has no JSON form
        }
    }

    private static JsonObject WithDelete(JsonObject properties)
    {
        properties["_delete_"] = new JsonObject { ["description"] = "Drops what was inherited here.", ["type"] = "boolean" };
        return properties;
    }

    private string NameOf(Type record)
    {
        if (_records.TryAdd(record.Name, record) || _records[record.Name] == record)
            return record.Name;
        return record.FullName!;
    }

    private JsonObject Define(string name, Func<JsonObject> make)
    {
        if (!_definitions.ContainsKey(name))
        {
            _definitions[name] = null; // a component may hold its own kind
            _definitions[name] = make();
        }

        return Reference(name);
    }

    public static JsonObject Reference(string name) => new() { ["$ref"] = Prefix + name };
}
