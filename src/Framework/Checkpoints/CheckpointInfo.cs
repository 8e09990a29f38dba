using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Framework.Models.Peft;

namespace Tessera.Framework.Checkpoints;

/// <summary>What a checkpoint says about itself, besides its tensors.</summary>
public sealed record CheckpointInfo
{
    /// <summary>The resolved config, values from the environment left unresolved.</summary>
    public required ConfigDocument Config { get; init; }

    /// <summary>Class names and task of the data that the model was trained on.</summary>
    public required DataInfo Data { get; init; }

    /// <summary>Epochs done.</summary>
    public required int Epoch { get; init; }

    /// <summary>Optimizer steps done.</summary>
    public required long Iteration { get; init; }

    /// <summary>The newest evaluation's metrics; empty where there was none.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>What the model's tensors are called in other projects, the reference implementation first: set it to
    /// <see cref="Checkpoints.PublishedNames.For"/>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> PublishedNames { get; init; } =
        new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>How tensors are changed on publishing, by project and the model's own name: see
    /// <see cref="Tessera.Framework.Models.PublishedForms"/>;
    /// null in checkpoints older than that.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>? PublishedForms { get; init; }

    /// <summary>The model's initial weights came from here (file and content hash); null where they were random.</summary>
    public string? Source { get; init; }

    /// <summary>The weights that the checkpoint needs and doesn't hold; null where it holds all.</summary>
    public BaseIdentity? Base { get; init; }

    /// <summary>Tessera's version and, if the runner adds them, those of the provider and libtorch.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new Dictionary<string, string> { ["tessera"] = TesseraVersion };

    /// <summary>By class name, the score from which on a prediction of it is believed (tools/find-threshold); empty where none was
    /// chosen.</summary>
    public IReadOnlyDictionary<string, double> ScoreThresholds { get; init; } = new Dictionary<string, double>();

    /// <summary>Checkpoints that this run has written and may remove, oldest first.</summary>
    internal IReadOnlyList<string> Kept { get; init; } = [];

    private static string TesseraVersion =>
        typeof(CheckpointInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>As JSON text. The config stands in it as it is written into work dirs, line by line, so that messages about it name the
    /// same lines.</summary>
    internal string ToJson()
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            WriteTo(writer);
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    internal void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        foreach (var (key, value) in Facts())
        {
            writer.WritePropertyName(key);
            if (value is null)
                writer.WriteNullValue();
            else
                value.WriteTo(writer);
        }
        writer.WritePropertyName(ConfigKey);
        writer.WriteRawValue(Config.SaveText());
        writer.WriteEndObject();
    }

    private const string ConfigKey = "config";

    private JsonObject Facts()
    {
        var facts = PlainFacts();
        if (ScoreThresholds.Count > 0)
            facts["score_thresholds"] = new JsonObject(
                ScoreThresholds.Select(threshold => KeyValuePair.Create(threshold.Key, (JsonNode?)threshold.Value))
            );
        if (Base is { } needed)
            facts["base"] = new JsonObject
            {
                ["sha256"] = needed.Sha256,
                ["tensors"] = needed.Tensors,
                ["source"] = needed.Source,
            };
        return facts;
    }

    private JsonObject PlainFacts() =>
        new()
        {
            ["epoch"] = Epoch,
            ["iteration"] = Iteration,
            ["task"] = Data.Task.ToString(),
            ["classes"] = new JsonArray([.. Data.Classes.Select(name => (JsonNode)name)]),
            ["palette"] = Data.Palette is null ? null : new JsonArray([.. Data.Palette.Select(color => (JsonNode)color.ToString())]),
            ["things"] = Data.Things is null ? null : new JsonArray([.. Data.Things.Select(thing => (JsonNode)thing)]),
            ["metrics"] = new JsonObject(
                Metrics.Select(m => KeyValuePair.Create(m.Key, double.IsFinite(m.Value) ? (JsonNode?)m.Value : null))
            ),
            ["published_names"] = new JsonObject(PublishedNames.Select(map => KeyValuePair.Create(map.Key, (JsonNode?)Texts(map.Value)))),
            ["published_forms"] = PublishedForms is null
                ? null
                : new JsonObject(PublishedForms.Select(map => KeyValuePair.Create(map.Key, (JsonNode?)Texts(map.Value)))),
            ["source"] = Source,
            ["versions"] = Texts(Versions),
            ["kept"] = new JsonArray([.. Kept.Select(name => (JsonNode)name)]),
        };

    /// <param name="path">The file that says it, for messages about the config.</param>
    /// <exception cref="InvalidOperationException">The JSON lacks something or has it in another form; so do FormatException and
    /// KeyNotFoundException.</exception>
    /// <exception cref="UserErrorException">The config in it is none.</exception>
    internal static CheckpointInfo FromJson(string json, string path)
    {
        using var document = JsonDocument.Parse(json);
        return FromJson(document.RootElement, path);
    }

    /// <inheritdoc cref="FromJson(string, string)"/>
    internal static CheckpointInfo FromJson(JsonElement element, string path) =>
        FromFacts(JsonObject.Create(element)!, ConfigDocument.ReadSaved(element.GetProperty(ConfigKey).GetRawText(), $"config in {path}"));

    private static CheckpointInfo FromFacts(JsonObject json, ConfigDocument config) =>
        new()
        {
            Config = config,
            Data = new DataInfo(
                [.. json["classes"]!.AsArray().Select(name => name!.GetValue<string>())],
                Enum.Parse<DataTask>(json["task"]!.GetValue<string>())
            )
            {
                Palette = json["palette"] is JsonArray palette
                    ?
                    [
                        .. palette.Select(color =>
                            Rgb.TryParse(color!.GetValue<string>(), out var rgb) ? rgb : throw new FormatException($"{color} is no colour.")
                        ),
                    ]
                    : null,
                Things = json["things"] is JsonArray things ? [.. things.Select(thing => thing!.GetValue<bool>())] : null,
            },
            Epoch = json["epoch"]!.GetValue<int>(),
            Iteration = json["iteration"]!.GetValue<long>(),
            Metrics = json["metrics"]!.AsObject().ToDictionary(m => m.Key, m => m.Value?.GetValue<double>() ?? double.NaN),
            PublishedNames = json["published_names"]!
                .AsObject()
                .ToDictionary(map => map.Key, map => (IReadOnlyDictionary<string, string>)Texts(map.Value!)),
            PublishedForms = json["published_forms"]
                ?.AsObject()
                .ToDictionary(map => map.Key, map => (IReadOnlyDictionary<string, string>)Texts(map.Value!)),
            Source = json["source"]?.GetValue<string>(),
            Base = json["base"] is { } needed
                ? new BaseIdentity(
                    needed["sha256"]!.GetValue<string>() is { Length: 64 } hash
                        ? hash
                        : throw new FormatException("the base's hash has not 64 digits"),
                    needed["tensors"]!.GetValue<int>(),
                    needed["source"]!.GetValue<string>()
                )
                : null,
            Versions = Texts(json["versions"]!),
            ScoreThresholds =
                json["score_thresholds"]?.AsObject().ToDictionary(entry => entry.Key, entry => entry.Value!.GetValue<double>()) ?? [],
            Kept = [.. json["kept"]!.AsArray().Select(name => name!.GetValue<string>())],
        };

    private static JsonObject Texts(IReadOnlyDictionary<string, string> texts) =>
        new(texts.Select(text => KeyValuePair.Create(text.Key, (JsonNode?)text.Value)));

    private static Dictionary<string, string> Texts(JsonNode json) =>
        json.AsObject().ToDictionary(text => text.Key, text => text.Value!.GetValue<string>());
}
