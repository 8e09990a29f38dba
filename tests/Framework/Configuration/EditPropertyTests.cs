using System.Text.Json.Nodes;
using CsCheck;
using Tessera.Framework.Configuration;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>List edits, overrides and saving against their obvious slow forms, for any document.</summary>
public sealed class EditPropertyTests
{
    private static readonly string[] s_verbs = ["after", "before", "replace", "change", "remove"];

    private static readonly Gen<string> s_types = Gen.Char["ABC"].Select(letter => letter.ToString());

    private static readonly Gen<(string Verb, int At, string Type)> s_edits = Gen.Select(Any(s_verbs), Gen.Int[0, 99], s_types);

    private static readonly Gen<string> s_texts = Gen.String[Gen.Char["aé$\"\\\n{}, :"], 0, 6]
        .Where(text => !text.Contains("${", StringComparison.Ordinal));

    /// <summary>Keys of letters and one that is quoted in paths; values of every form, three deep.</summary>
    private static readonly Gen<ConfigDocument> s_documents = Objects(3).Select(map => ConfigDocument.Parse(map.ToJsonString()));

    [Fact]
    public void Edits_AgreeWithAPlainList() =>
        Gen.Select(s_types.Array[1, 6], s_edits.Array[0, 5])
            .Sample(
                (types, edits) =>
                {
                    var plain = types.Select((type, i) => (Type: type, Value: i)).ToList();
                    var json = new JsonObject
                    {
                        ["list"] = new JsonArray([.. plain.Select(step => (JsonNode)Step(step.Type, step.Value))]),
                    };
                    var written = new JsonArray();
                    foreach (var (verb, number, type) in edits.TakeWhile(_ => plain.Count > 0))
                        written.Add(Apply(plain, verb, number % plain.Count, type, 100 + written.Count));
                    using var folder = new ConfigFolder(
                        ("b.json", json.ToJsonString()),
                        ("c.json", $$"""{ "_base_": "b.json", "list": { "_edit_": {{written.ToJsonString()}} } }""")
                    );
                    var steps = ((ConfigList)folder.Load("c.json").Root["list"]!).Cast<ConfigMap>();
                    return steps
                        .Select(step => $"{((ConfigValue)step["type"]!).Text}{((ConfigValue)step["value"]!).Text}")
                        .SequenceEqual(plain.Select(step => $"{step.Type}{step.Value}"));
                },
                iter: 300,
                threads: 1
            );

    [Fact]
    public void Override_OfAValue_IsTheSameAsAFileThatSaysSo() =>
        Gen.Select(s_documents, Any("a", "b", "c.d").Array[1, 4], Gen.Int[-1, 9])
            .Where((document, keys, _) => LeadsThroughMaps(document, keys))
            .Sample(
                (document, keys, number) =>
                {
                    JsonNode? value = number < 0 ? null : number; // null removes
                    var above = keys.Reverse().Aggregate(value, (inner, key) => new JsonObject { [key] = inner });
                    using var folder = new ConfigFolder(
                        ("b.json", document.SaveText()),
                        ("c.json", $$"""{ "_base_": "b.json",""" + above!.ToJsonString()[1..])
                    );
                    var given = folder.Load("b.json", $"{ConfigPath.Join(keys)}={(value is null ? "null" : value.ToJsonString())}");
                    return ConfigNode.DeepEquals(given.Merged, folder.Load("c.json").Merged)
                        && (value is null ? given.Find(ConfigPath.Join(keys)) is null : Text(given, keys) == value.ToJsonString());
                },
                iter: 200,
                threads: 1
            );

    [Fact]
    public void Saved_AndReadBack_IsTheSame_AndEveryValueKnowsItsLine() =>
        s_documents.Sample(
            document =>
            {
                var text = document.SaveText();
                var back = ConfigDocument.ReadSaved(text, "c");
                var lines = text.Split('\n');
                return ConfigNode.DeepEquals(document.Merged, back.Merged)
                    && ConfigNode.DeepEquals(document.Root, ConfigDocument.FromCheckpoint(back, "c").Root)
                    && back.SaveText() == text
                    && Entries(back.Merged)
                        .All(entry =>
                            lines[entry.Value.Source.Line - 1]
                                .TrimStart()
                                .StartsWith($"{ConfigWriter.Quote(entry.Key)}: ", StringComparison.Ordinal)
                        );
            },
            iter: 300,
            threads: 1
        );

    /// <summary>Changes the plain list and gives the edit that is to do the same.</summary>
    private static JsonObject Apply(List<(string Type, int Value)> plain, string verb, int at, string type, int value)
    {
        var (old, oldValue) = plain[at];
        var twins = plain.Count(step => step.Type == old);
        var name = twins > 1 ? $"{old}#{plain.Take(at + 1).Count(step => step.Type == old)}" : old;
        switch (verb)
        {
            case "after":
                plain.Insert(at + 1, (type, value));
                return new JsonObject { [verb] = name, ["insert"] = Step(type, value) };
            case "before":
                plain.InsertRange(at, [(type, value), (old, value)]);
                return new JsonObject { [verb] = name, ["insert"] = new JsonArray(Step(type, value), Step(old, value)) };
            case "replace":
                plain[at] = (type, value);
                return new JsonObject { [verb] = name, ["with"] = Step(type, value) };
            case "change":
                plain[at] = (type, oldValue);
                return new JsonObject
                {
                    [verb] = name,
                    ["with"] = new JsonObject { ["type"] = type },
                };
            default:
                plain.RemoveAt(at);
                return new JsonObject { [verb] = name };
        }
    }

    private static JsonObject Step(string type, int value) => new() { ["type"] = type, ["value"] = value };

    private static bool LeadsThroughMaps(ConfigDocument document, string[] keys)
    {
        ConfigNode? node = document.Merged;
        foreach (var key in keys.SkipLast(1))
        {
            node = (node as ConfigMap)?[key];
            if (node is not (null or ConfigMap))
                return false;
        }
        return node is null or ConfigMap;
    }

    private static string? Text(ConfigDocument document, string[] keys) => document.Find(ConfigPath.Join(keys))?.ToString();

    private static IEnumerable<KeyValuePair<string, ConfigNode>> Entries(ConfigNode node) =>
        node switch
        {
            ConfigMap map => map.Concat(map.SelectMany(entry => Entries(entry.Value))),
            ConfigList list => list.SelectMany(Entries),
            _ => [],
        };

    private static Gen<JsonObject> Objects(int depth)
    {
        var leaves = Gen.OneOf(
            Gen.Int[-5, 5].Select(number => (JsonNode?)number),
            Gen.Double[-1, 1].Select(number => (JsonNode?)number),
            Gen.Bool.Select(flag => (JsonNode?)flag),
            s_texts.Select(text => (JsonNode?)text),
            Gen.Int[0, 9].Array[0, 3].Select(items => (JsonNode?)new JsonArray([.. items.Select(item => (JsonNode)item)]))
        );
        var values =
            depth == 0
                ? leaves
                : Gen.Frequency(
                    (3, leaves),
                    (2, Objects(depth - 1).Select(map => (JsonNode?)map)),
                    (1, Objects(depth - 1).Select(map => (JsonNode?)new JsonArray(map, 1)))
                );
        return Gen.Select(Any("a", "b", "c.d", "e"), values)
            .Array[0, 4]
            .Select(entries => new JsonObject(
                entries.DistinctBy(entry => entry.Item1).Select(entry => KeyValuePair.Create(entry.Item1, entry.Item2?.DeepClone()))
            ));
    }

    private static Gen<string> Any(params string[] words) => Gen.Int[0, words.Length - 1].Select(i => words[i]);
}
