using Tessera.Framework.Data;
using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// How the rows of a classifier go into a model whose classes may be others, or in another order: by the classes' names
/// where the file gives them, otherwise as they stand if there are as many.
/// </summary>
/// <param name="file">Class names of the file, as many as its classifier has; null where it gives none, or names aren't to be
/// compared.</param>
/// <param name="data">Class names of the data; null where there are none.</param>
internal sealed class ClassRows(IReadOnlyList<string>? file, IReadOnlyList<string>? data)
{
    private readonly Dictionary<string, Func<Tensor, Tensor, Tensor?>> _plans = [];
    private bool _byName,
        _unnamed;
    private (long Found, long Expected)? _otherCount;

    /// <summary>The number of classes in the file and here, where they differ and no names tell which are which.</summary>
    public (long Found, long Expected)? OtherCount => _otherCount;

    /// <summary>Whether the file names its classes, and those names were to be compared.</summary>
    public bool Named => file is not null && data is not null;

    /// <summary>Whether every class keeps its place, as far as the file tells.</summary>
    public bool Unchanged => !_byName && _otherCount is null;

    /// <summary>The number of classes that the file names and of the data's, where they differ; null otherwise.</summary>
    public (long Found, long Expected)? OtherNames => Named && file!.Count != data!.Count ? (file.Count, data.Count) : null;

    /// <summary>Whether rows were taken as they stand without a name to compare.</summary>
    public bool Unnamed => _unnamed;

    /// <summary>How many rows of classes a file has, and how many of them are taken, where it has rows for numbers that stand for no class
    /// (torchvision's 91 for COCO's 80); null otherwise.</summary>
    public (long Stored, long Taken)? Unused { get; set; }

    /// <summary>Whether the file's names are the data's, in another order.</summary>
    public bool SameNames => file is not null && data is not null && file.Count == data.Count && Places().All(place => place >= 0);

    /// <summary>Decides how a tensor is taken.</summary>
    /// <param name="target">The model's tensor.</param>
    /// <param name="stored">The file's shape, brought into the model's form.</param>
    /// <param name="beside">First dimension of the tensor of equal groups, in the model and in the file; null where there is none.</param>
    public void Add(ClassTensor tensor, Tensor target, long[] stored, (long Here, long Stored)? beside)
    {
        var rows = (target.shape[0] - tensor.Others) / tensor.RowsPerClass;
        var inFile =
            stored.Length > 0 && (stored[0] - tensor.Others) % tensor.RowsPerClass == 0
                ? (stored[0] - tensor.Others) / tensor.RowsPerClass
                : 0;
        var classes = rows / tensor.Groups;
        var groups =
            beside is { Here: > 0 } pair && pair.Stored * tensor.Groups % pair.Here == 0
                ? pair.Stored * tensor.Groups / pair.Here
                : tensor.Groups;
        var found = groups > 0 ? inFile / groups : 0;
        if (file is not null && data is not null && data.Count == classes && file.Count * groups == inFile)
        {
            if (groups != tensor.Groups)
                _plans[tensor.Name] = LeftOut;
            else if (!file.SequenceEqual(data, StringComparer.Ordinal))
                (_plans[tensor.Name], _byName) = (ByName(tensor), true);
            return;
        }
        if (groups == tensor.Groups && stored.Length > 0 && inFile == rows)
        {
            _unnamed |= data is not null;
            return;
        }
        _plans[tensor.Name] = LeftOut;
        if (found != classes)
            _otherCount ??= (found, classes);
    }

    /// <summary>What goes into the model's tensor: the stored one as it is, rows of it beside rows of the model's, or null for
    /// nothing.</summary>
    /// <param name="target">The model's tensor, which keeps the rows of classes that the file lacks.</param>
    public Tensor? Take(string name, Tensor stored, Tensor target) =>
        _plans.TryGetValue(name, out var plan) ? plan(stored, target) : stored;

    /// <summary>What was done by name, in a sentence, and whether classes stay without weights; null where nothing was.</summary>
    public (string Text, bool Lacking)? Describe()
    {
        if (!_byName)
            return null;
        var places = Places();
        var (taken, lacking) = (Names(place => place >= 0), Names(place => place < 0));
        var spare = file!.Where((_, row) => !places.Contains(row)).ToList();
        if (taken.Count == 0)
            return (
                $"none of the data's {data!.Count} classes ({WeightsFileErrors.Some(data)}) is among the file's {file!.Count} "
                    + $"({WeightsFileErrors.Some(file)}): the classifier keeps its first weights. "
                    + "Where they mean the same in the same order: init.match_classes \"in_order\".",
                true
            );
        var text =
            $"the classifier's rows are taken by class name: {taken.Count} of the data's {data!.Count} ({WeightsFileErrors.Some(taken)})";
        if (lacking.Count > 0)
            text += $"; not in the file, so left as they begin: {WeightsFileErrors.Some(lacking)}";
        if (spare.Count > 0)
            text += $"; in the file alone: {WeightsFileErrors.Some(spare)}";
        return (text + ".", lacking.Count > 0);

        List<string> Names(Func<int, bool> which) => [.. data!.Where((_, c) => which(places[c]))];
    }

    private static Tensor? LeftOut(Tensor stored, Tensor target) => null;

    private Func<Tensor, Tensor, Tensor?> ByName(ClassTensor tensor)
    {
        var places = Places();
        if (places.All(place => place < 0))
            return LeftOut;
        return (stored, target) =>
        {
            if (!stored.shape.Skip(1).SequenceEqual(target.shape.Skip(1)))
                return stored; // the shapes are told
            using var scope = NewDisposeScope();
            var all = target.detach().clone();
            stored = stored.to(target.dtype);
            var (rows, found) = (ByClass(all), ByClass(stored));
            for (var c = 0; c < places.Length; c++)
                if (places[c] >= 0)
                    rows.select(1, c).copy_(found.select(1, places[c]));
            if (tensor.Others > 0)
                all.narrow(0, all.shape[0] - tensor.Others, tensor.Others)
                    .copy_(stored.narrow(0, stored.shape[0] - tensor.Others, tensor.Others));
            return scope.MoveToOuter(all);
        };

        // A view, [groups, classes, rows of each, …].
        Tensor ByClass(Tensor rows) =>
            rows.narrow(0, 0, rows.shape[0] - tensor.Others).unflatten(0, [tensor.Groups, -1, tensor.RowsPerClass]);
    }

    /// <summary>For each of the data's classes its place among the file's; -1 where it is not there, or is there twice.</summary>
    private int[] Places()
    {
        var once = data!.CountBy(name => name).Where(pair => pair.Value == 1).Select(pair => pair.Key).ToHashSet(StringComparer.Ordinal);
        var rows = file!
            .Index()
            .GroupBy(entry => entry.Item, StringComparer.Ordinal)
            .Where(group => group.Count() == 1)
            .ToDictionary(group => group.Key, group => group.First().Index, StringComparer.Ordinal);
        return [.. data!.Select(name => once.Contains(name) && rows.TryGetValue(name, out var row) ? row : -1)];
    }
}
