using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// Weights in several files, which an index lists: <c>model.safetensors.index.json</c>, an object whose <c>weight_map</c>
/// gives for each tensor the name of its file, in the index's own folder.
/// </summary>
/// <remarks>The form of huggingface_hub and transformers.</remarks>
internal sealed class ShardedFile : WeightsFile
{
    private const long MaxIndex = 100_000_000;
    private const int MaxShards = 10_000;

    private readonly Dictionary<string, WeightsFile> _places = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<WeightsFile> _shards;

    private ShardedFile(FileBytes file, Dictionary<string, WeightsFile> shards, Dictionary<string, string> map)
        : base(file)
    {
        _shards = [.. shards.Values];
        var tensors = new Dictionary<string, WeightInfo>(StringComparer.Ordinal);
        foreach (var (name, shard) in map)
        {
            if (!shards[shard].Tensors.TryGetValue(name, out var info))
                throw WeightsFileErrors.NotInShard(file, name, shard);
            tensors.Add(name, info);
            _places.Add(name, shards[shard]);
        }
        Tensors = tensors;
        Others =
        [
            .. _shards
                .SelectMany(shard =>
                    shard
                        .Tensors.Keys.Where(name => !_places.TryGetValue(name, out var place) || place != shard)
                        .Select(name => $"{PyTorch.PickleText.Clip(name)} (in {System.IO.Path.GetFileName(shard.Path)}, not in the index)")
                )
                .Take(50),
        ];
    }

    public override string Format => $"{_shards.Count} files, {_shards[0].Format}";

    public override IReadOnlyDictionary<string, WeightInfo> Tensors { get; }

    public override IReadOnlyList<string> Others { get; }

    public override IReadOnlyList<string>? Classes => _shards[0].Classes;

    public override string? Names => _shards[0].Names;

    public override DataTask? Task => _shards[0].Task;

    public override IReadOnlyList<string> Files => [Path, .. _shards.Select(shard => shard.Path)];

    public static ShardedFile Open(FileBytes file, string? part, WeightChoice choice)
    {
        if (part is not null)
            throw WeightsFileErrors.NoParts(file, part);
        var map = Read(file);
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(file.Path))!;
        var names = map.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        if (names.Count > MaxShards)
            throw WeightsFileErrors.BadIndex(file, $"it names {names.Count} files");
        foreach (var name in names)
            if (!IsPlain(name))
                throw WeightsFileErrors.BadIndex(
                    file,
                    $"\"{PyTorch.PickleText.Clip(name)}\" is no plain name of a .safetensors, .bin or .pth file in the index's own folder"
                );
        var missing = names.Where(name => !System.IO.File.Exists(System.IO.Path.Combine(folder, name))).ToList();
        if (missing.Count > 0)
            throw WeightsFileErrors.ShardsMissing(file, missing, names.Count);

        var shards = new Dictionary<string, WeightsFile>(StringComparer.Ordinal);
        try
        {
            foreach (var name in names)
                shards.Add(name, Shard(file, System.IO.Path.Combine(folder, name), choice));
            return new ShardedFile(file, shards, map);
        }
        catch
        {
            foreach (var shard in shards.Values)
                shard.Dispose();
            throw;
        }
    }

    private static WeightsFile Shard(FileBytes index, string path, WeightChoice choice)
    {
        Span<byte> start = stackalloc byte[512];
        using (var file = FileBytes.Open(path))
        {
            start = start[..file.ReadUpTo(0, start)];
            if (FileKinds.Detect(start, file.Length) == FileKind.Json)
                throw WeightsFileErrors.BadIndex(index, $"{System.IO.Path.GetFileName(path)} is no file of weights");
        }
        return OpenOne(path, null, choice);
    }

    private static Dictionary<string, string> Read(FileBytes file)
    {
        if (file.Length > MaxIndex)
            throw WeightsFileErrors.BadIndex(file, $"it has {file.Length} bytes; at most {MaxIndex} are allowed");
        try
        {
            using var json = JsonDocument.Parse(file.Read(0, file.Length, "the index"), new JsonDocumentOptions { MaxDepth = 8 });
            if (
                json.RootElement.ValueKind != JsonValueKind.Object
                || !json.RootElement.TryGetProperty("weight_map", out var map)
                || map.ValueKind != JsonValueKind.Object
            )
                throw WeightsFileErrors.BadIndex(file, "it has no \"weight_map\"");
            var names = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var entry in map.EnumerateObject())
            {
                if (entry.Value.ValueKind != JsonValueKind.String)
                    throw WeightsFileErrors.BadIndex(file, $"the file of {PyTorch.PickleText.Clip(entry.Name)} is no text");
                if (!names.TryAdd(entry.Name, entry.Value.GetString()!))
                    throw WeightsFileErrors.BadIndex(file, $"{PyTorch.PickleText.Clip(entry.Name)} comes twice");
            }
            return names.Count > 0 ? names : throw WeightsFileErrors.BadIndex(file, "its \"weight_map\" is empty");
        }
        catch (JsonException error)
        {
            throw WeightsFileErrors.BadIndex(file, "it is no JSON: " + error.Message);
        }
    }

    /// <summary>Nothing that could lead out of the folder, on any system.</summary>
    private static bool IsPlain(string name) =>
        name.Length is > 0 and <= 255
        && name.IndexOfAny(['/', '\\', ':', '\0']) < 0
        && name[0] != '.'
        && (
            name.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".bin", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".pth", StringComparison.OrdinalIgnoreCase)
            || name.EndsWith(".pt", StringComparison.OrdinalIgnoreCase)
        );

    private protected override void ReadBytes(string name, Span<byte> destination) => _places[name].ReadInto(name, destination);

    private protected override Stream OpenBytes(string name) => _places[name].BytesOf(name);

    private protected override void Close()
    {
        foreach (var shard in _shards)
            shard.Dispose();
    }
}
