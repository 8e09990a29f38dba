using System.Text.Json.Nodes;
using CsCheck;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>What holds for every two documents; a failure is shrunk, and its seed is in the message.</summary>
public sealed class MergePropertyTests
{
    private static readonly Gen<(string Key, JsonNode? Value)[]> s_leaves = Entries(
        Gen.OneOf(
            Gen.Const((JsonNode?)null),
            Gen.Int[0, 8].Select(number => (JsonNode?)number),
            Gen.Int[0, 2].Select(number => (JsonNode?)new JsonArray(number, "x"))
        )
    );

    /// <summary>Objects of up to four keys, three deep, as text: merging must not change what another case still uses.</summary>
    private static readonly Gen<string> s_documents = Objects(3).Select(map => map.ToJsonString());

    [Fact]
    public void Merge_TwoDocuments_AgreesWithThePlainRules() =>
        Gen.Select(s_documents, s_documents).Sample((below, above) => Merge(below, above) == Plain(below, above), iter: 300, threads: 1);

    [Fact]
    public void Merge_OfNothing_ChangesNothing() =>
        s_documents.Sample(
            document => Merge(document, "{}") == Plain("{}", document) && Merge("{}", document) == Plain("{}", document),
            iter: 150,
            threads: 1
        );

    [Fact]
    public void Merge_WithItself_ChangesNothing() =>
        s_documents.Sample(document => Merge(document, document) == Merge(document, "{}"), iter: 150, threads: 1);

    private static string Merge(string below, string above)
    {
        using var folder = new ConfigFolder(
            ("b.json", $$"""{ "top": {{below}} }"""),
            ("c.json", $$"""{ "_base_": "b.json", "top": {{above}} }""")
        );
        return JsonNode.Parse(folder.Load("c.json").Merged["top"]!.ToString())!.ToJsonString();
    }

    private static string Plain(string below, string above) =>
        PlainMerge(PlainMerge([], JsonNode.Parse(below)!.AsObject()), JsonNode.Parse(above)!.AsObject()).ToJsonString();

    private static JsonObject PlainMerge(JsonObject below, JsonObject above)
    {
        var merged = (JsonObject)below.DeepClone();
        foreach (var (key, value) in above)
        {
            if (value is null)
                merged.Remove(key);
            else if (value is JsonObject map)
                merged[key] = PlainMerge(merged[key] as JsonObject ?? [], map);
            else
                merged[key] = value.DeepClone();
        }

        return merged;
    }

    private static Gen<JsonObject> Objects(int depth) =>
        depth == 0
            ? s_leaves.Select(Object)
            : Entries(
                    Gen.Frequency(
                        (3, s_leaves.Where(entries => entries.Length > 0).Select(entries => entries[0].Value)),
                        (2, Objects(depth - 1).Select(map => (JsonNode?)map))
                    )
                )
                .Select(Object);

    private static Gen<(string Key, JsonNode? Value)[]> Entries(Gen<JsonNode?> value) =>
        Gen.Select(Gen.Char["abcd"].Select(letter => letter.ToString()), value)
            .Array[0, 4]
            .Select(entries => entries.DistinctBy(entry => entry.Item1).ToArray());

    private static JsonObject Object((string Key, JsonNode? Value)[] entries)
    {
        var map = new JsonObject();
        foreach (var (key, value) in entries)
            map[key] = value?.DeepClone();
        return map;
    }
}
