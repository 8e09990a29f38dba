using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tessera.Framework.Components;

namespace Tessera.Tests.Tools.Configs;

/// <summary>What messages recommend for other projects' words is there.</summary>
public sealed partial class ForeignNameTests
{
    private static readonly JsonObject s_schema = JsonNode
        .Parse(File.ReadAllText(Path.Combine(Snippets.Repository, "configs", "schema.json")))!
        .AsObject();

    private static readonly HashSet<string> s_components = [.. Composition.Registry().All.Select(component => component.Name)];

    public static TheoryData<string, string> Options()
    {
        var options = new TheoryData<string, string>();
        foreach (var (word, ours, _) in ForeignNames.RecommendedOptions)
            options.Add(word, ours);
        return options;
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Option_IsAKeyOfConfigs_OrAComponent(string word, string ours)
    {
        if (ours.StartsWith("--", StringComparison.Ordinal))
            Assert.Contains(ours, Tool.Run(ours == "--resume" ? "train" : "predict", "--help").Succeeds().Output, StringComparison.Ordinal);
        else if (char.IsUpper(ours[0]))
            Assert.Contains(ours, s_components);
        else
            Assert.True(Exists(ours.Split('.')), $"{word}: no config has {ours}");
    }

    [Fact]
    public void Option_ThatIsNone_IsFoundOut() // the walk through the schema doesn't say yes to everything
    {
        Assert.True(Exists(["model", "backbone", "init"]));
        Assert.True(Exists(["losses", "any", "class_weight"]));
        Assert.False(Exists(["model", "backbone", "inits"]));
        Assert.False(Exists(["losses", "any", "class_weights"]));
        Assert.False(Exists(["optimizer", "lr", "x"]));
    }

    [Fact]
    public void Components_AreRegistered() =>
        Assert.Equal([], ForeignComponents.Recommended.Where(component => !s_components.Contains(component.Ours)));

    [Fact]
    public void Notes_NameRegisteredComponents() =>
        Assert.Equal(
            [],
            ForeignNames
                .RecommendedOptions.SelectMany(option =>
                    ComponentName().Matches(option.Note ?? "").Select(match => (option.Word, match.Value))
                )
                .Where(named => !s_components.Contains(named.Value))
        );

    /// <summary>Whether the keys lead from the root, or from any record or component, to something that is described.</summary>
    private static bool Exists(IReadOnlyList<string> keys)
    {
        IEnumerable<JsonObject> places = [s_schema, .. s_schema["$defs"]!.AsObject().Select(entry => entry.Value!.AsObject())];
        foreach (var key in keys)
            places = [.. places.SelectMany(Alternatives).Select(place => Child(place, key)).OfType<JsonObject>().Distinct()];
        return places.Any();
    }

    private static JsonObject? Child(JsonObject place, string key) =>
        place["properties"]?[key] as JsonObject ?? place["additionalProperties"] as JsonObject;

    /// <summary>The schema and all that it may be: choices, references, branches by type.</summary>
    private static IEnumerable<JsonObject> Alternatives(JsonObject schema)
    {
        yield return schema;
        IEnumerable<JsonNode?> more =
        [
            .. schema["anyOf"] as JsonArray ?? [],
            .. schema["allOf"] as JsonArray ?? [],
            schema["then"],
            schema["$ref"] is JsonValue target ? s_schema["$defs"]![((string)target!)["#/$defs/".Length..]] : null,
        ];
        foreach (var below in more.OfType<JsonObject>().SelectMany(Alternatives))
            yield return below;
    }

    [GeneratedRegex(@"\b([A-Z][a-z0-9]+){2,}\b")]
    private static partial Regex ComponentName();
}
