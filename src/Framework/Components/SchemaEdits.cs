using System.Text.Json.Nodes;

namespace Tessera.Framework.Components;

/// <summary>The schema of what edits an inherited list: { "_edit_": [ … ] }.</summary>
internal static class SchemaEdits
{
    /// <param name="inserted">What an item of the list may be; null: anything.</param>
    /// <param name="rules">Further ones on an edit.</param>
    public static JsonObject Of(string description, JsonObject? inserted, IEnumerable<JsonObject> rules)
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
            ["description"] = description,
            ["type"] = "object",
            ["properties"] = new JsonObject
            {
                ["_edit_"] = new JsonObject { ["type"] = "array", ["items"] = edit },
            },
            ["required"] = new JsonArray("_edit_"),
            ["additionalProperties"] = false,
        };
    }
}
