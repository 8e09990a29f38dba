using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Which tensor of a file belongs to which of a module: by the map and prefix that fit the most, unless they are given.</summary>
internal sealed class NameMatch
{
    /// <summary>What training scripts put before every name.</summary>
    private static readonly string[] UsualPrefixes = ["", "module.", "model.", "module.model.", "backbone.", "module.backbone.", "encoder.", "model.backbone.", "net."];

    private string _prefix = "";
    private string? _mapName;
    private HashSet<string> _classifier = [];

    /// <summary>The file's name by the module's.</summary>
    public Dictionary<string, string> Names { get; private init; } = [];

    /// <summary>The file's names without a place.</summary>
    public List<string> Unexpected { get; private init; } = [];

    public KeyMap? Map { get; private init; }

    /// <summary>The module's convolution that reads the image; null where there is none.</summary>
    public string? StemName { get; private set; }

    /// <summary>The maps that could be asked for.</summary>
    public IReadOnlyList<string> Known { get; private set; } = [];

    public bool IsClassifier(string own) => _classifier.Contains(own);

    public string Describe() =>
        (_mapName is null ? "the module's own names" : $"names of {_mapName}") + (_prefix.Length == 0 ? "" : $" after \"{_prefix}\"");

    /// <exception cref="UserErrorException">The module has no map of the name that is asked for.</exception>
    public static NameMatch Find(nn.Module module, Dictionary<string, Tensor> target, WeightsFile file, PretrainedOptions options, string path)
    {
        var maps = module switch
        {
            VisionModel model => model.KeyMaps,
            Backbone backbone => backbone.KeyMaps,
            _ => new Dictionary<string, KeyMap>(),
        };
        if (options.Keys is not null && options.Keys != "own" && !maps.ContainsKey(options.Keys)) throw CheckpointErrors.NoSuchMap(path, options.Keys, module.GetName(), maps.Keys);

        // Maps before own names: where both fit as well, the map may know how to reshape.
        var candidates = maps.Where(map => options.Keys is null || map.Key == options.Keys).Select(map => ((string?)map.Key, (KeyMap?)map.Value)).ToList();
        if (options.Keys is null or "own") candidates.Add((null, null));
        var ours = file.Metadata.ContainsKey("tessera");
        var prefixes = options.Prefix is not null ? [options.Prefix] : ours ? OurPrefixes(module) : UsualPrefixes;

        NameMatch? best = null;
        var bestScore = (-1, -1);
        foreach (var (name, map) in candidates)
            foreach (var prefix in prefixes)
            {
                var match = Try(target, file, options, prefix, name, map);
                var score = (match.Names.Count(pair => target[pair.Key].shape.SequenceEqual(file.Tensors[pair.Value].Shape)), match.Names.Count);
                if (score.CompareTo(bestScore) > 0) (best, bestScore) = (match, score);
            }

        best!.Known = [.. maps.Keys];
        best._classifier = Classifier(module, target);
        best.StemName = target.Where(pair => pair.Value.shape is [_, 3, _, _]).Select(pair => pair.Key).FirstOrDefault();
        return best;
    }

    private static string[] OurPrefixes(nn.Module module) => module is VisionModel ? ["model."] : ["model.backbone.", "model."];

    private static NameMatch Try(Dictionary<string, Tensor> target, WeightsFile file, PretrainedOptions options, string prefix, string? mapName, KeyMap? map)
    {
        var match = new NameMatch { Map = map, _prefix = prefix, _mapName = mapName };
        foreach (var foreign in file.Tensors.Keys)
        {
            if (!foreign.StartsWith(prefix, StringComparison.Ordinal))
            {
                // With a prefix asked for, the rest of the file is not meant.
                if (options.Prefix is null && !file.Metadata.ContainsKey("tessera")) match.Unexpected.Add(foreign);
                continue;
            }
            var renamed = options.Rename(foreign[prefix.Length..]);
            if (map?.Computed?.Invoke(renamed) == true) continue;
            var own = map is null ? renamed : map.Rename(renamed);
            if (own is null || !target.ContainsKey(own) || !match.Names.TryAdd(own, foreign)) match.Unexpected.Add(foreign);
            else if (map?.RenameSecond?.Invoke(renamed) is { } second && target.ContainsKey(second)) match.Names.TryAdd(second, foreign);
        }
        return match;
    }

    // The linear layer that gives the classes: the last weight of two dimensions outside the backbone, and its bias.
    private static HashSet<string> Classifier(nn.Module module, Dictionary<string, Tensor> target)
    {
        if (module is not VisionModel model) return [];
        if (model.ClassTensors is { } told) return [.. told];
        var weight = target.Where(pair => pair.Value.shape.Length is 2 or 4 && pair.Key.EndsWith(".weight", StringComparison.Ordinal)
            && !pair.Key.StartsWith("backbone.", StringComparison.Ordinal) && !pair.Key.StartsWith("neck.", StringComparison.Ordinal)).Select(pair => pair.Key).LastOrDefault();
        return weight is null ? [] : [weight, weight[..^"weight".Length] + "bias"];
    }
}
