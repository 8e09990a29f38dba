using System.Text.Json.Nodes;

namespace Tessera.Framework.Components;

/// <summary>The schema of what edits an inherited list: { "_edit_": [ … ] }.</summary>
internal static class SchemaEdits
{
    /// <summary>Of a list of components: what replaces a step must be one, what changes it must be its options.</summary>
    /// <param name="items">The schema of an item.</param>
    /// <param name="one">The schema of a component.</param>
    public static JsonObject OfComponents(
        JsonObject items,
        IEnumerable<ComponentDescription> components,
        Func<ComponentDescription, JsonObject> one
    )
    {
        var changes = components.Select(component => new JsonObject
        {
            ["if"] = new JsonObject
            {
                ["properties"] = new JsonObject { ["change"] = new JsonObject { ["pattern"] = $"^{component.Name}(#[0-9]+)?$" } },
                ["required"] = new JsonArray("change"),
            },
            ["then"] = With(one(component)),
        });
        var replaces = new JsonObject
        {
            ["if"] = new JsonObject { ["required"] = new JsonArray("replace") },
            ["then"] = With(items.DeepClone()),
        };
        return Of(items, [replaces, .. changes]);
    }

    /// <param name="inserted">What an item of the list may be; null: anything.</param>
    /// <param name="rules">Further ones on an edit.</param>
    public static JsonObject Of(JsonObject? inserted, IEnumerable<JsonObject> rules)
    {
        var edit = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["after"] = new JsonObject { ["type"] = "string" },
                ["before"] = new JsonObject { ["type"] = "string" },
                ["replace"] = new JsonObject { ["type"] = "string" },
                ["change"] = new JsonObject { ["type"] = "string" },
                ["remove"] = new JsonObject { ["type"] = "string" },
                ["insert"] = inserted is null
                    ? new JsonObject()
                    : new JsonObject
                    {
                        ["if"] = new JsonObject { ["type"] = "array" },
                        ["then"] = new JsonObject { ["items"] = inserted.DeepClone() },
                        ["else"] = inserted.DeepClone(),
                    },
                ["with"] = new JsonObject(),
            },
            ["additionalProperties"] = false,
        };
        if (rules.ToArray() is { Length: > 0 } all)
            edit["allOf"] = new JsonArray([.. all]);
        return new JsonObject
        {
            ["description"] = "Edits an inherited list by the types of its steps.",
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["_edit_"] = new JsonObject { ["type"] = "array", ["items"] = edit },
            },
            ["required"] = new JsonArray("_edit_"),
            ["additionalProperties"] = false,
        };
    }

    private static JsonObject With(JsonNode schema) => new() { ["properties"] = new JsonObject { ["with"] = schema } };
}
