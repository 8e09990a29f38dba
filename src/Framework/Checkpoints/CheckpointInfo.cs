using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Tessera.Framework.Data;

namespace Tessera.Framework.Checkpoints;

/// <summary>What a checkpoint says about itself, besides its tensors.</summary>
public sealed record CheckpointInfo
{
    /// <summary>The resolved config, values from the environment left unresolved.</summary>
    public required JsonObject Config { get; init; }

    /// <summary>Class names and task of the data that the model was trained on.</summary>
    public required DataInfo Data { get; init; }

    /// <summary>Epochs done.</summary>
    public required int Epoch { get; init; }

    /// <summary>Optimizer steps done.</summary>
    public required long Iteration { get; init; }

    /// <summary>The newest evaluation's metrics; empty where there was none.</summary>
    public IReadOnlyDictionary<string, double> Metrics { get; init; } = new Dictionary<string, double>();

    /// <summary>How the model's names become the reference implementation's; see <see cref="PublishedNames"/>.</summary>
    public IReadOnlyList<NameRule> PublishedNames { get; init; } = [];

    /// <summary>The model's initial weights came from here (file and content hash); null where they were random.</summary>
    public string? Source { get; init; }

    /// <summary>Tessera's version and, if the runner adds them, those of the provider and libtorch.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new Dictionary<string, string> { ["tessera"] = TesseraVersion };

    /// <summary>Checkpoints that this run has written and may remove, oldest first.</summary>
    internal IReadOnlyList<string> Kept { get; init; } = [];

    private static string TesseraVersion =>
        typeof(CheckpointInfo).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    internal JsonObject ToJson() => new()
    {
        ["epoch"] = Epoch,
        ["iteration"] = Iteration,
        ["task"] = Data.Task.ToString(),
        ["classes"] = new JsonArray([.. Data.Classes.Select(name => (JsonNode)name)]),
        ["metrics"] = new JsonObject(Metrics.Select(m => KeyValuePair.Create(m.Key, double.IsFinite(m.Value) ? (JsonNode?)m.Value : null))),
        ["published_names"] = new JsonArray([.. PublishedNames.Select(rule => (JsonNode)new JsonArray(rule.Prefix, rule.Replacement))]),
        ["source"] = Source,
        ["versions"] = new JsonObject(Versions.Select(v => KeyValuePair.Create(v.Key, (JsonNode?)v.Value))),
        ["kept"] = new JsonArray([.. Kept.Select(name => (JsonNode)name)]),
        ["config"] = Config.DeepClone(),
    };

    /// <exception cref="InvalidOperationException">The JSON lacks something or has it in another form; so do FormatException and KeyNotFoundException.</exception>
    internal static CheckpointInfo FromJson(JsonObject json) => new()
    {
        Config = json["config"]!.DeepClone().AsObject(),
        Data = new DataInfo(
            [.. json["classes"]!.AsArray().Select(name => name!.GetValue<string>())],
            Enum.Parse<DataTask>(json["task"]!.GetValue<string>())),
        Epoch = json["epoch"]!.GetValue<int>(),
        Iteration = json["iteration"]!.GetValue<long>(),
        Metrics = json["metrics"]!.AsObject().ToDictionary(m => m.Key, m => m.Value is null ? double.NaN : Convert.ToDouble(m.Value.GetValue<double>(), CultureInfo.InvariantCulture)),
        PublishedNames = [.. json["published_names"]!.AsArray().Select(rule => new NameRule(rule![0]!.GetValue<string>(), rule[1]!.GetValue<string>()))],
        Source = json["source"]?.GetValue<string>(),
        Versions = json["versions"]!.AsObject().ToDictionary(v => v.Key, v => v.Value!.GetValue<string>()),
        Kept = [.. json["kept"]!.AsArray().Select(name => name!.GetValue<string>())],
    };
}
