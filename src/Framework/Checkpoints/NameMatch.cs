using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>Which tensor of a file belongs to which of a module: by the map and prefix that fit the most, unless they are given.</summary>
internal sealed class NameMatch
{
    private string _prefix = "";

    /// <summary>The file's name by the module's.</summary>
    public Dictionary<string, string> Names { get; private init; } = [];

    /// <summary>The file's names below the prefix without a place.</summary>
    public List<string> Unexpected { get; private init; } = [];

    /// <summary>The file's names that lie elsewhere, or are no weights.</summary>
    public List<string> PassedOver { get; private init; } = [];

    /// <summary>What a user should know of the choice.</summary>
    public List<AdvisedText> Notes { get; } = [];

    public KeyMap? Map { get; private init; }
    public string? Project { get; private init; } // the map's name; null for the module's own names

    /// <summary>Which of <see cref="Names"/> are made of several of the file's tensors; the name there is one of theirs.</summary>
    public JoinedTensors Joined { get; }

    private readonly ExplainedTensors _explained = new();

    private NameMatch() => Joined = new JoinedTensors(Names);

    /// <summary>The maps that could be asked for.</summary>
    public IReadOnlyList<string> Known { get; private set; } = [];

    public string Describe() =>
        (Project is null ? "the module's own names" : $"names of {Project}") + (_prefix.Length == 0 ? "" : $" after \"{_prefix}\"");

    /// <exception cref="UserErrorException">The module has no map of the name that is asked for, or fits two places equally.</exception>
    public static NameMatch Find(
        nn.Module module,
        Dictionary<string, Tensor> target,
        WeightsFile file,
        PretrainedOptions options,
        string path
    )
    {
        var maps = module switch
        {
            VisionModel model => model.KeyMaps,
            Backbone backbone => backbone.KeyMaps,
            _ => new Dictionary<string, KeyMap>(),
        };
        if (options.Keys is not null && options.Keys != "own" && !maps.ContainsKey(options.Keys))
            throw CheckpointErrors.NoSuchMap(path, options.Keys, module.GetName(), maps.Keys);

        // Own names before maps: a map that fits them as well may take the tensors for another project's, and turn them about.
        var names = Wrappers.PlainNames([.. file.Tensors.Keys]);
        var ours = file.Metadata.ContainsKey(Checkpoint.InfoKey);
        var keys =
            options.Keys
            ?? (
                ours ? "own"
                : file.Names is { } told && (told == "own" || maps.ContainsKey(told)) ? told
                : null
            );
        var candidates = maps.Where(map => keys is null || map.Key == keys).Select(map => ((string?)map.Key, (KeyMap?)map.Value)).ToList();
        if (keys is null or "own")
            candidates.Insert(0, (null, null));
        var prefixes =
            options.Prefix is not null ? [options.Prefix]
            : ours ? OurPrefixes(module)
            : Wrappers.Prefixes(names.Values);

        var matches = new List<(NameMatch Match, (int Shapes, int Names, int Explained) Score)>();
        foreach (var (name, map) in candidates)
        foreach (var prefix in prefixes)
        {
            var match = Try(target, file, names, options, prefix, name, map);
            matches.Add((match, match.Score(target, file)));
        }
        var best = Best(matches, target.Count, options, path);
        best._explained.RequireEqual(best.Names, file, path);
        best.Joined.RequireWhole(file, path, options.Skips);
        if (ours)
            OwnAverage.Take(best, file, options.Weights);
        if (
            file.Tensors.Keys.Any(name =>
                name == Wrappers.AverageCounter || name.EndsWith("." + Wrappers.AverageCounter, StringComparison.Ordinal)
            )
        )
            best.Notes.Add($"the file bears {Wrappers.AverageCounter}: its weights are an average of several");
        best.Known = [.. maps.Keys];
        return best;
    }

    /// <summary>The first word of names without a place in the module, where none that has a place begins so; null where there is no such
    /// word.</summary>
    public string? Spare() => NoWeights.SpareWord(Names.Values, Unexpected, _prefix);

    private static string[] OurPrefixes(nn.Module module) => module is VisionModel ? ["model."] : ["model.backbone.", "model."];

    private static NameMatch Try(
        Dictionary<string, Tensor> target,
        WeightsFile file,
        Dictionary<string, string> names,
        PretrainedOptions options,
        string prefix,
        string? mapName,
        KeyMap? map
    )
    {
        var match = new NameMatch
        {
            Map = map,
            _prefix = prefix,
            Project = mapName,
        };
        var beside = Wrappers.BesidePart(prefix);
        var plainNames = new Lazy<HashSet<string>>(() => names.Values.ToHashSet(StringComparer.Ordinal));
        bool has(string name) => plainNames.Value.Contains(prefix + name);
        foreach (var (foreign, plain) in names)
        {
            var rest =
                plain.StartsWith(prefix, StringComparison.Ordinal) ? plain[prefix.Length..]
                : foreign.StartsWith(prefix, StringComparison.Ordinal) ? Wrappers.Plain(foreign[prefix.Length..])
                : null;
            if (rest is null)
            {
                if (!(beside is not null && match.TakeBeside(target, file, foreign, plain, beside, options)))
                    match.PassedOver.Add(foreign);
                continue;
            }
            var renamed = options.Rename(rest);
            if (renamed.Length == 0 || match._explained.Add(map, renamed, foreign, has))
            {
                match.PassedOver.Add(foreign);
                continue;
            }
            var own = map is null ? renamed : map.Rename(renamed);
            if (own is not null && target.ContainsKey(own) && match.Joined.Place(own, foreign, map?.Joined?.Invoke(renamed), renamed))
            {
                if (map?.RenameSecond?.Invoke(renamed) is { } second && target.ContainsKey(second))
                    match.Names.TryAdd(second, foreign);
                continue;
            }
            (NoWeights.Are(file.Tensors[foreign], rest) || NoWeights.AreCopy(rest, names) ? match.PassedOver : match.Unexpected).Add(
                foreign
            );
        }
        return match;
    }

    /// <summary>Where the names lie in a part of the file's own (<c>encoder.</c>), a tensor beside that part by the module's own
    /// name.</summary>
    /// <param name="beside">The prefix of what lies beside the part.</param>
    private bool TakeBeside(
        Dictionary<string, Tensor> target,
        WeightsFile file,
        string foreign,
        string plain,
        string beside,
        PretrainedOptions options
    )
    {
        if (!plain.StartsWith(beside, StringComparison.Ordinal))
            return false;
        var own = options.Rename(plain[beside.Length..]);
        return target.TryGetValue(own, out var place)
            && place.shape.SequenceEqual(file.Tensors[foreign].Shape)
            && Names.TryAdd(own, foreign);
    }

    /// <summary>The module's names that the form lacks where the file is in it: those beside a weight that was found.</summary>
    public IEnumerable<string> Absent(IEnumerable<string> target) =>
        Map?.Absent is not { } absent
            ? []
            : target.Where(name =>
                !Names.ContainsKey(name) && absent(name) && Names.ContainsKey(name[..(name.LastIndexOf('.') + 1)] + "weight")
            );

    // A form that explains what is missing, or what is there besides, fits better than one of the same names that doesn't.
    private (int Shapes, int Names, int Explained) Score(Dictionary<string, Tensor> target, WeightsFile file) =>
        (
            Absent(target.Keys).Count()
                + Names.Count(pair => !IsCounter(pair.Key) && target[pair.Key].shape.SequenceEqual(Joined.ShapeOf(pair.Key, file))),
            Names.Keys.Count(name => !IsCounter(name)),
            _explained.Count
        );

    private static bool IsCounter(string name) => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal);

    /// <summary>The first of the best; of an average and what it is made from, that which is asked for.</summary>
    private static NameMatch Best(
        List<(NameMatch Match, (int Shapes, int Names, int Explained) Score)> matches,
        int count,
        PretrainedOptions options,
        string path
    )
    {
        var score = matches.Max(match => match.Score);
        var best = matches.Where(match => match.Score == score).Select(match => match.Match).ToList();
        var first = best[0];
        var elsewhere = best.Where(match => !match.Names.Values.Any(first.Names.Values.ToHashSet().Contains)).ToList();
        if (elsewhere.Count == 0 || score.Names * 2 <= count)
        {
            first.TellOfAverage(matches.Select(match => match.Match), count);
            return first;
        }

        bool IsAverage(NameMatch match) => Wrappers.HasAverage(match._prefix);
        var averaged = best.FirstOrDefault(IsAverage);
        var trained = best.FirstOrDefault(match => !IsAverage(match));
        if (averaged is null || trained is null)
            throw CheckpointErrors.SeveralPlaces(path, first._prefix, elsewhere[0]._prefix);
        var taken = options.Weights == WeightChoice.Averaged ? averaged : trained;
        var rival = best.FirstOrDefault(match =>
            IsAverage(match) == IsAverage(taken) && !match.Names.Values.Any(taken.Names.Values.ToHashSet().Contains)
        );
        if (rival is not null)
            throw CheckpointErrors.SeveralPlaces(path, taken._prefix, rival._prefix);
        taken.Notes.Add(
            CheckpointErrors.OtherWeights(
                $"it has averaged weights (under \"{averaged._prefix}\") beside the trained ones (under \"{trained._prefix}\"); "
                    + $"those under \"{taken._prefix}\" are taken",
                options.Weights
            )
        );
        return taken;
    }

    /// <summary>An average without all tensors (of the parameters alone, without the norms' statistics) is no network, so it isn't
    /// taken.</summary>
    private void TellOfAverage(IEnumerable<NameMatch> others, int count)
    {
        if (Wrappers.HasAverage(_prefix))
            return;
        var taken = Names.Values.ToHashSet(StringComparer.Ordinal);
        var average = others
            .Where(other => Wrappers.HasAverage(other._prefix) && other.Names.Count * 2 > count && !other.Names.Values.Any(taken.Contains))
            .MaxBy(other => other.Names.Count);
        if (average is not null)
            Notes.Add(
                CheckpointErrors.LessComplete(
                    $"it has averaged weights under \"{average._prefix}\" as well, but {Names.Count - average.Names.Count} tensors fewer, "
                        + "so that the trained ones are taken",
                    "prefix",
                    average._prefix
                )
            );
    }
}
