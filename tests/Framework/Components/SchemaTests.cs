using System.Text.Json.Nodes;
using Tessera.Framework.Components;

namespace Tessera.Tests.Framework.Components;

public sealed class SchemaTests
{
    private static readonly JsonNode Schema = JsonNode.Parse(Text())!;

    private static string Text()
    {
        var registry = new ComponentRegistry();
        registry.Add(typeof(Gear).Assembly);
        return SchemaWriter.Write(registry, typeof(RigOptions));
    }

    private static JsonNode Gear => Schema["$defs"]!["part.Gear"]!["properties"]!;

    [Fact]
    public void Schema_NamesDraftAndRootKeys()
    {
        Assert.Equal("https://json-schema.org/draft/2020-12/schema", (string?)Schema["$schema"]);
        Assert.Equal(
            ["$schema", "_base_", "plugins", "vars", "engine", "seed", "tooth"],
            Schema["properties"]!.AsObject().Select(entry => entry.Key)
        );
        Assert.False((bool)Schema["additionalProperties"]!);
    }

    [Fact]
    public void Schema_OffersEveryComponentOfAKind()
    {
        Assert.Equal(
            ["Bolt", "Fussy", "Gear", "Meter"],
            Schema["$defs"]!["part"]!["properties"]!["type"]!["enum"]!.AsArray().Select(name => (string)name!)
        );
        var branch = Schema["$defs"]!["part"]!["allOf"]!
            .AsArray()
            .Single(one => (string?)one!["if"]!["properties"]?["type"]?["const"] == "Gear")!;
        Assert.Equal("#/$defs/part.Gear", (string?)branch["then"]!["$ref"]);
    }

    [Fact]
    public void Schema_CarriesTypesBoundsDefaultsAndTexts()
    {
        Assert.Equal("Turns things.", (string?)Schema["$defs"]!["part.Gear"]!["description"]);
        Assert.Equal("How many. Required.", (string?)Gear["teeth"]!["description"]);
        Assert.Equal("""{"type":"integer","minimum":1,"maximum":100}""", Gear["teeth"]!["anyOf"]![0]!.ToJsonString());
        Assert.Equal("""{"type":"number","exclusiveMinimum":0,"maximum":1}""", Gear["ratio"]!["anyOf"]![0]!.ToJsonString());
        Assert.Equal(0.5, (double)Gear["ratio"]!["default"]!);
        Assert.Equal("""{"enum":["fast_path","slow","l2"]}""", Gear["mode"]!["anyOf"]![0]!.ToJsonString());
        Assert.Equal("slow", (string?)Gear["mode"]!["default"]);
        Assert.Equal(1, (int)Gear["sizes"]!["anyOf"]![0]!["minItems"]!);
        Assert.Equal(9, (int)Gear["sizes"]!["anyOf"]![0]!["items"]!["anyOf"]![0]!["maximum"]!);
        Assert.Equal("#/$defs/ToothOptions", (string?)Gear["tooth"]!["anyOf"]![0]!["$ref"]);
        Assert.Equal("#/$defs/edit", (string?)Gear["sizes"]!["anyOf"]![1]!["$ref"]);
    }

    [Fact]
    public void Schema_EveryReferenceHasItsDefinition()
    {
        var definitions = Schema["$defs"]!.AsObject().Select(entry => $"#/$defs/{entry.Key}").ToHashSet();
        var references = References(Schema).ToHashSet();
        Assert.NotEmpty(references);
        Assert.Empty(references.Except(definitions));
        Assert.All(Schema["$defs"]!.AsObject(), entry => Assert.NotNull(entry.Value));
    }

    [Fact]
    public void Schema_IsTheSameEveryTime() => Assert.Equal(Text(), Text());

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject map => map.SelectMany(entry =>
                entry is { Key: "$ref", Value: JsonValue value } ? [(string)value!] : References(entry.Value)
            ),
            JsonArray list => list.SelectMany(References),
            _ => [],
        };
}
