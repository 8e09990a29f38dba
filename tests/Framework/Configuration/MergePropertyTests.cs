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

    private static readonly Gen<string> s_keys = Gen.Char["abcd"].Select(letter => letter.ToString());

    /// <summary>a and b hold objects, c and d numbers, at every depth.</summary>
    private static readonly Gen<string> s_steady = Steady(2).Select(map => map.ToJsonString());

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

    [Fact]
    public void Merge_AChainOfFiles_AgreesWithThePlainRules() =>
        Gen.Select(s_documents, s_documents, s_documents)
            .Sample((first, second, third) => Merge(first, second, third) == Plain(first, second, third), iter: 200, threads: 1);

    /// <summary>Where every key keeps its form and none is removed: files may be merged with those above or below them first.</summary>
    [Fact]
    public void Merge_WithoutNullsAndChangesOfForm_IsAssociative() =>
        Gen.Select(s_steady, s_steady, s_steady)
            .Sample((first, second, third) => Merge(first, second, third) == Merge(first, Merge(second, third)), iter: 200, threads: 1);

    [Fact]
    public void Null_RemovesTheKey_AndNothingElse() =>
        Gen.Select(s_documents, s_keys)
            .Sample(
                (document, key) =>
                {
                    var expected = JsonNode.Parse(Plain(document))!.AsObject();
                    expected.Remove(key);
                    return Merge(document, $$"""{ "{{key}}": null }""") == expected.ToJsonString();
                },
                iter: 150,
                threads: 1
            );

    [Fact]
    public void Delete_IsTheSameAsNothingInherited() =>
        Gen.Select(s_documents, s_keys, s_documents)
            .Sample(
                (below, key, map) =>
                {
                    var deleting = JsonNode.Parse(map)!.AsObject();
                    deleting.Insert(0, "_delete_", true);
                    var without = JsonNode.Parse(below)!.AsObject();
                    var at = without.IndexOf(key);
                    if (without[key] is not null)
                        without.SetAt(at, 0); // a number inherits nothing either, and the key keeps its place
                    return Merge(below, $$"""{ "{{key}}": {{deleting}} }""")
                        == Merge(without.ToJsonString(), $$"""{ "{{key}}": {{map}} }""");
                },
                iter: 150,
                threads: 1
            );

    private static string Merge(params string[] documents)
    {
        using var folder = new ConfigFolder([
            .. documents.Select(
                (document, i) => ($"{i}.json", $$"""{ {{(i > 0 ? $"\"_base_\": \"{i - 1}.json\"," : "")}} "top": {{document}} }""")
            ),
        ]);
        return JsonNode.Parse(folder.Load($"{documents.Length - 1}.json").Merged["top"]!.ToString())!.ToJsonString();
    }

    private static string Plain(params string[] documents) =>
        documents.Aggregate(new JsonObject(), (below, above) => PlainMerge(below, JsonNode.Parse(above)!.AsObject())).ToJsonString();

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

    private static Gen<JsonObject> Steady(int depth) =>
        Gen.Select(
            depth == 0 ? Gen.Const(Array.Empty<(string, JsonNode?)>()) : Entries("ab", Steady(depth - 1).Select(map => (JsonNode?)map)),
            Entries("cd", Gen.Int[0, 8].Select(number => (JsonNode?)number)),
            (maps, leaves) => Object([.. maps, .. leaves])
        );

    private static Gen<(string Key, JsonNode? Value)[]> Entries(string letters, Gen<JsonNode?> value) =>
        Gen.Select(Gen.Char[letters].Select(letter => letter.ToString()), value)
            .Array[0, 2]
            .Select(entries => entries.DistinctBy(entry => entry.Item1).ToArray());

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
