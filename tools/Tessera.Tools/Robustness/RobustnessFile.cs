using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Corruptions;
using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Robustness;

/// <summary>Values of one evaluation after another, kept in a file from which a run that was stopped goes on.</summary>
internal sealed class RobustnessFile
{
    public const string Name = "robustness.json";

    private readonly string _path;
    private readonly JsonObject _of;
    private readonly Dictionary<string, IReadOnlyDictionary<string, double>> _done = [];

    private RobustnessFile(string path, JsonObject of) => (_path, _of) = (path, of);

    /// <summary>What was evaluated already, or nothing.</summary>
    /// <param name="of">All that the values depend on.</param>
    /// <exception cref="UserErrorException">The folder has values of something else, or the file is damaged.</exception>
    public static RobustnessFile Open(string folder, JsonObject of, bool overwrite)
    {
        var file = new RobustnessFile(Path.Combine(folder, Name), of);
        if (!overwrite && File.Exists(file._path))
            file.Read();
        return file;
    }

    /// <summary>Of the data as they are.</summary>
    public const string Clean = "clean";

    public static string KeyOf(CorruptionKind kind, int severity) => FormattableString.Invariant($"{NameOf(kind)}/{severity}");

    public static string NameOf(CorruptionKind kind) => ConfigKey.NameOf(kind.ToString());

    public IReadOnlyDictionary<string, double>? Of(string key) => _done.GetValueOrDefault(key);

    public int Count => _done.Count;

    /// <summary>Keeps values, on disk before it returns.</summary>
    public void Add(string key, IReadOnlyDictionary<string, double> values)
    {
        _done[key] = values;
        Write(null);
    }

    /// <param name="summary">What is said of all of them.</param>
    public void Write(JsonObject? summary)
    {
        var values = new JsonObject(
            _done.Select(entry =>
                KeyValuePair.Create(
                    entry.Key,
                    (JsonNode?)
                        new JsonObject(
                            entry.Value.Select(value =>
                                KeyValuePair.Create(value.Key, double.IsFinite(value.Value) ? (JsonNode?)value.Value : null)
                            )
                        )
                )
            )
        );
        var document = new JsonObject { ["of"] = _of.DeepClone(), ["values"] = values };
        if (summary is not null)
            document["summary"] = summary;
        MetricFiles.Write(_path, document);
    }

    /// <summary>A name for a file's content.</summary>
    public static string HashOf(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private void Read()
    {
        try
        {
            var document = JsonNode.Parse(File.ReadAllText(_path))!.AsObject();
            var known = document["of"]!.AsObject();
            foreach (var (key, value) in _of)
            {
                if (JsonNode.DeepEquals(known[key], value))
                    continue;
                throw new UserErrorException(
                    $"{_path}: its values are of another {key.Replace('_', ' ')} ({Shown(known[key])}, now {Shown(value)}). --out-dir DIR "
                        + "takes another folder, --overwrite begins anew."
                );
            }
            foreach (var (key, values) in document["values"]!.AsObject())
                _done[key] = values!.AsObject().ToDictionary(value => value.Key, value => value.Value?.GetValue<double>() ?? double.NaN);
        }
        catch (Exception error) when (error is JsonException or NullReferenceException or InvalidOperationException or FormatException)
        {
            throw new UserErrorException($"{_path}: it is damaged, or no file of tools/test-robustness. --overwrite begins anew.", error);
        }
    }

    private static string Shown(JsonNode? value) =>
        value?.ToJsonString() is { } text
            ? text.Length > 40
                ? text[..40] + "…"
                : text
            : "none";
}
