namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>What <see cref="StateDict.Find"/> found.</summary>
/// <param name="Tensors">The weights, by their names below the dictionary that was taken.</param>
/// <param name="Others">What else the file holds, in words.</param>
/// <param name="Notes">What a user should know of the choice.</param>
/// <param name="Classes">Class names that the file gives; null where it gives none.</param>
internal sealed record FoundWeights(
    Dictionary<string, PickleTensor> Tensors,
    IReadOnlyList<string> Others,
    IReadOnlyList<AdvisedText> Notes,
    IReadOnlyList<string>? Classes
)
{
    /// <summary>Whose names the tensors bear, where the file says so.</summary>
    public string? Names { get; init; }
}

/// <summary>Finds the weights among what a checkpoint holds.</summary>
internal sealed class StateDict
{
    private const int MaxDepth = 6;

    private readonly FileBytes _file;
    private readonly WeightChoice _choice;
    private readonly List<AdvisedText> _notes = [];

    // One dict may be reached by very many ways; this bounds all walks together.
    private int _steps = 1_000_000;

    private StateDict(FileBytes file, WeightChoice choice) => (_file, _choice) = (file, choice);

    /// <param name="part">The dictionary to take, by its path ("state_dict_ema", "ema.module"); null: the usual names are tried, in any
    /// nesting.</param>
    /// <param name="choice">Which to take where there is an average beside the trained weights.</param>
    public static FoundWeights Find(FileBytes file, object? root, string? part, WeightChoice choice)
    {
        var search = new StateDict(file, choice);
        var dict = search.AsDict(root);
        return part is null ? search.Choose(dict, root) : search.Named(dict, part);
    }

    private FoundWeights Choose(PickleDict root, object? original)
    {
        var (at, path) = (root, new List<string>());
        while (path.Count < MaxDepth && Next(at, path.Count == 0) is { } next)
        {
            path.Add(next);
            at = (PickleDict)at[next]!;
        }
        var tensors = Flatten(at);
        if (tensors.Count == 0)
            throw WeightsFileErrors.NoWeights(
                _file,
                original is PickleDict { Of: null }
                    ? string.Join(", ", PickleText.Others(root, null).DefaultIfEmpty("an empty dict"))
                    : PickleText.Describe(original)
            );
        if (path.Count > 1)
            _notes.Add($"the weights are taken from {string.Join(".", path)}");
        foreach (var (name, value) in root.Named.Where(entry => Wrappers.IsUsualAverage(entry.Key)))
            if (
                value is List<object?> or PickleTuple or PickleOpaque
                || (value is PickleDict { Count: > 0 } inner && !HasTensors(inner, MaxDepth))
            )
                _notes.Add(
                    $"{PickleText.Clip(name)} {PickleText.Describe(value)} seems to be an average of the weights, but has no tensors by "
                        + "name: it isn't taken"
                );
        var classes = PickledClasses.Of(root);
        if (classes is null && PickledClasses.Unreadable(root) is { } unread)
            _notes.Add($"\"{unread}\" {PickleText.Describe(root[unread])} is no list of names and is not read");
        return new FoundWeights(tensors, PickleText.Others(root, path.FirstOrDefault()), _notes, classes)
        {
            Names = root.Attributes?[PickledClasses.NamesAttribute] as string,
        };
    }

    private FoundWeights Named(PickleDict root, string part)
    {
        object? at = root;
        foreach (var step in part.Split('.'))
            at = (at as PickleDict)?[step];
        if (at is PickleDict found && Flatten(found) is { Count: > 0 } tensors)
            return new FoundWeights(tensors, PickleText.Others(root, part), _notes, PickledClasses.Of(root));
        throw WeightsFileErrors.NoSuchPart(_file, part, PartsOf(root));
    }

    /// <summary>The entry to go down to; null where the dictionary is the weights itself.</summary>
    private string? Next(PickleDict dict, bool atTop)
    {
        var parts = PartsOf(dict).ToList();
        var own = dict.Named.Count(entry => entry.Value is PickleTensor);
        var weights = parts.Where(Wrappers.IsWeights).OrderBy(Wrappers.Rank).ToList();
        if (weights.Count > 0)
        {
            var chosen = OfWeights(dict, weights);
            return own > Flatten((PickleDict)dict[chosen]!).Count ? null : chosen; // a network may have a part called "model"
        }
        if (own > 0)
            return null;
        var others = parts.Where(part => !Wrappers.IsBeside(part)).ToList();
        if (others.Count == 1)
            return others[0];
        return !atTop || others.Count == 0 || others.Any(Wrappers.IsPart) ? null : throw WeightsFileErrors.SeveralParts(_file, others);
    }

    private string OfWeights(PickleDict dict, List<string> names)
    {
        var averaged = names.FirstOrDefault(Wrappers.IsAveraged);
        var trained = names.FirstOrDefault(Wrappers.IsPlain);
        if (trained is null && _choice == WeightChoice.Trained)
            _notes.Add($"it has averaged weights alone ({averaged}), which are taken");
        if (averaged is null || trained is null)
            return averaged ?? trained!;
        // mmengine exchanges the two when it saves: "state_dict" is the average, "ema_state_dict" what was trained.
        if (
            averaged == "ema_state_dict"
            && (dict["message_hub"] is not null || dict["ema_state_dict"] is PickleDict inner && inner["steps"] is not null)
        )
            (averaged, trained) = (trained, averaged);
        else if (Weights(dict, trained) - Weights(dict, averaged) is > 0 and var lacking)
        {
            // An average of the parameters alone, without the statistics of norms, is no network.
            _notes.Add(
                CheckpointErrors.LessComplete(
                    $"its averaged weights ({averaged}) lack {lacking} tensors of the trained ones ({trained}) and are no whole network: "
                        + "the trained ones are taken",
                    "part",
                    averaged
                )
            );
            return trained;
        }
        var taken = _choice == WeightChoice.Averaged ? averaged : trained;
        _notes.Add(
            CheckpointErrors.OtherWeights(
                $"it has averaged weights ({averaged}) beside the trained ones ({trained}); {taken} is taken",
                _choice
            )
        );
        return taken;
    }

    private int Weights(PickleDict dict, string part) =>
        Flatten((PickleDict)dict[part]!)
            .Keys.Count(name =>
                !name.EndsWith("num_batches_tracked", StringComparison.Ordinal) && name.Contains('.', StringComparison.Ordinal)
            );

    private IEnumerable<string> PartsOf(PickleDict root) =>
        root.Named.Where(entry => entry.Value is PickleDict inner && HasTensors(inner, MaxDepth)).Select(entry => entry.Key);

    private bool HasTensors(PickleDict dict, int depth)
    {
        foreach (var (_, value) in dict.Named)
        {
            Step();
            if (value is PickleTensor || (depth > 1 && value is PickleDict inner && HasTensors(inner, depth - 1)))
                return true;
        }
        return false;
    }

    private Dictionary<string, PickleTensor> Flatten(PickleDict dict)
    {
        var tensors = new Dictionary<string, PickleTensor>(StringComparer.Ordinal);
        var path = new List<string>(); // joined only for a tensor: entangled dictionaries are walked far longer than they have any
        Walk(dict);
        return tensors;

        void Walk(PickleDict inner)
        {
            foreach (var (name, value) in inner.Named)
            {
                Step();
                path.Add(name);
                if (value is PickleTensor tensor)
                    tensors[string.Join('.', path)] = tensor;
                else if (value is PickleDict next && path.Count < MaxDepth)
                    Walk(next);
                path.RemoveAt(path.Count - 1);
            }
        }
    }

    /// <summary>Lists and tuples by place: torch.save((state_dict, …)) is met, too.</summary>
    private PickleDict AsDict(object? root)
    {
        if (root is PickleDict dict)
            return dict;
        var result = new PickleDict();
        foreach (
            var (i, item) in (
                root switch
                {
                    PickleTuple tuple => tuple.Items,
                    List<object?> list => [.. list.Take(1000)],
                    _ => [],
                }
            ).Index()
        )
        {
            Step();
            result.Add($"{i}", item);
        }
        return result;
    }

    private void Step()
    {
        if (_steps-- <= 0)
            throw WeightsFileErrors.BadPickle(_file, "its dictionaries are far more entangled than any checkpoint's");
    }
}
