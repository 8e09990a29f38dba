using System.Globalization;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>Finds the weights among what a checkpoint holds.</summary>
internal sealed class StateDict
{
    private const int MaxDepth = 4;

    private readonly FileBytes _file;

    // One dict may be reached by very many ways; this bounds all walks together.
    private int _steps = 1_000_000;

    private StateDict(FileBytes file) => _file = file;

    /// <summary>Where projects put their weights; the first that is there is taken.</summary>
    private static readonly string[] UsualNames =
        ["state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params", "backbone", "encoder", "state_dict_ema", "model_ema", "ema"];

    /// <returns>The tensors, and in words what else there was.</returns>
    public static (Dictionary<string, PickleTensor> Tensors, List<string> Others) Find(FileBytes file, object? root, string? part) =>
        root is not PickleDict dict ? throw CheckpointErrors.NoWeights(file, Describe(root))
        : part is null ? new StateDict(file).Find(dict)
        : new StateDict(file).Find(dict, part);

    private (Dictionary<string, PickleTensor> Tensors, List<string> Others) Find(PickleDict dict)
    {
        // A state dict: tensors at the top.
        if (dict.Named.Any(entry => entry.Value is PickleTensor)) return (Flatten(dict), Others(dict, except: null));

        var candidates = PartsOf(dict).ToList();
        var chosen = UsualNames.FirstOrDefault(candidates.Contains) ?? (candidates.Count == 1 ? candidates[0] : null);
        if (chosen is not null) return (Flatten((PickleDict)dict[chosen]!), Others(dict, chosen));
        throw candidates.Count == 0
            ? CheckpointErrors.NoWeights(_file, string.Join(", ", Others(dict, null).DefaultIfEmpty("an empty dict")))
            : CheckpointErrors.SeveralParts(_file, candidates);
    }

    private (Dictionary<string, PickleTensor> Tensors, List<string> Others) Find(PickleDict root, string part)
    {
        object? at = root;
        foreach (var step in part.Split('.')) at = (at as PickleDict)?[step];
        if (at is PickleDict found && Flatten(found) is { Count: > 0 } tensors) return (tensors, Others(root, part));
        throw CheckpointErrors.NoSuchPart(_file, part, PartsOf(root));
    }

    private IEnumerable<string> PartsOf(PickleDict root) =>
        root.Named.Where(entry => entry.Value is PickleDict inner && HasTensors(inner, MaxDepth)).Select(entry => entry.Key);

    private bool HasTensors(PickleDict dict, int depth) =>
        dict.Named.Any(entry => Step() && (entry.Value is PickleTensor || (depth > 1 && entry.Value is PickleDict inner && HasTensors(inner, depth - 1))));

    private Dictionary<string, PickleTensor> Flatten(PickleDict dict)
    {
        var tensors = new Dictionary<string, PickleTensor>(StringComparer.Ordinal);
        Walk(dict, "", MaxDepth);
        return tensors;

        void Walk(PickleDict inner, string prefix, int depth)
        {
            foreach (var (name, value) in inner.Named)
            {
                Step();
                if (value is PickleTensor tensor) tensors[prefix + name] = tensor;
                else if (value is PickleDict next && depth > 1) Walk(next, prefix + name + ".", depth - 1);
            }
        }
    }

    private bool Step() => _steps-- > 0 ? true : throw CheckpointErrors.BadPickle(_file, "its dictionaries are far more entangled than any checkpoint's");

    private static List<string> Others(PickleDict dict, string? except) =>
        [.. dict.Named.Where(entry => entry.Key != except && entry.Value is not PickleTensor).Take(50).Select(entry => $"{Clip(entry.Key)} {Describe(entry.Value)}")];

    private static string Describe(object? value) => value switch
    {
        null => "= none",
        string text => $"= \"{Clip(text)}\"",
        double number => "= " + number.ToString("G6", CultureInfo.InvariantCulture),
        long or bool => "= " + Convert.ToString(value, CultureInfo.InvariantCulture),
        PickleDict dict => $"(a dict of {dict.Count})",
        List<object?> list => $"(a list of {list.Count})",
        PickleTuple tuple => $"(a tuple of {tuple.Items.Length})",
        PickleTensor tensor => $"(a tensor {WeightInfo.ShapeText(tensor.Shape)})",
        PickleOpaque opaque => $"({opaque.What})",
        byte[] bytes => $"({bytes.Length} bytes)",
        _ => "(something else)",
    };

    private static string Clip(string text)
    {
        var clean = string.Concat(text.Take(60).Select(letter => char.IsControl(letter) ? ' ' : letter));
        return clean.Length < text.Length ? clean + "…" : clean;
    }
}
