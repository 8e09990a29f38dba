using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>What a file holds for the tensors of a module: one tensor each, or several that are joined; see
/// <see cref="KeyMap.Joined"/>.</summary>
/// <param name="names">The file's name by the module's, which is filled; of several, one of theirs.</param>
internal sealed class JoinedTensors(Dictionary<string, string> names)
{
    private readonly Dictionary<string, Parts> _parts = new(StringComparer.Ordinal);

    /// <param name="Names">In the map's form, in order.</param>
    /// <param name="Foreign">In the file; null where it was not found.</param>
    private sealed record Parts(string[] Names, string?[] Foreign)
    {
        public IEnumerable<string> Found => Foreign.OfType<string>();
    }

    /// <param name="own">The module's name.</param>
    /// <param name="foreign">The file's.</param>
    /// <param name="parts">Where the tensor is one of several, the names of all of them, in the map's form.</param>
    /// <param name="name">Its name in the map's form.</param>
    /// <returns>Whether its place was free.</returns>
    public bool Place(string own, string foreign, IReadOnlyList<string>? parts, string name)
    {
        if (parts is null)
            return names.TryAdd(own, foreign);
        if (names.TryAdd(own, foreign))
            _parts.Add(own, new Parts([.. parts], new string?[parts.Count]));
        if (!_parts.TryGetValue(own, out var joined))
            return false; // there is a whole one
        var place = Array.IndexOf(joined.Names, name);
        if (place < 0 || joined.Foreign[place] is not null)
            return false;
        joined.Foreign[place] = foreign;
        return true;
    }

    /// <summary>The file's names of a tensor's parts; null where it is whole there.</summary>
    public IReadOnlyList<string>? Of(string own) => _parts.TryGetValue(own, out var parts) ? [.. parts.Found] : null;

    /// <summary>The shape of what the file holds for a tensor; empty where parts can't be joined.</summary>
    public IReadOnlyList<long> ShapeOf(string own, WeightsFile file) =>
        Of(own) is not { } parts ? file.Tensors[names[own]].Shape
        : ShapesOf(parts, file) is var shapes && Fit(shapes) ? [shapes.Sum(shape => shape[0]), .. shapes[0].Skip(1)]
        : [];

    /// <summary>What the file holds for a tensor.</summary>
    public Tensor Read(string own, WeightsFile file)
    {
        if (Of(own) is not { } parts)
            return file.Read(names[own]);
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(cat([.. parts.Select(file.Read)], 0));
    }

    /// <summary>A shape that doesn't fit, with those of the parts that it is made of.</summary>
    public string Describe(string own, IReadOnlyList<long> shape, WeightsFile file) =>
        WeightInfo.ShapeText([.. shape])
        + (
            Of(own) is { } names
                ? $" joined of {string.Join(" and ", ShapesOf(names, file).Select(part => WeightInfo.ShapeText([.. part])))}"
                : ""
        );

    /// <exception cref="UserErrorException">The file has some of a tensor's parts and lacks others, or they can't be joined.</exception>
    public void RequireWhole(WeightsFile file, string path, Func<string, bool> skips)
    {
        foreach (var (own, parts) in _parts.Where(entry => !skips(entry.Key)))
        {
            if (parts.Foreign.Contains(null))
                throw CheckpointErrors.PartMissing(path, own, [.. parts.Names.Where((_, i) => parts.Foreign[i] is null)], [.. parts.Found]);
            if (!Fit(ShapesOf([.. parts.Found], file)))
                throw CheckpointErrors.PartsDiffer(
                    path,
                    own,
                    parts.Found.Select(name => $"{name} {WeightInfo.ShapeText([.. file.Tensors[name].Shape])}")
                );
        }
    }

    private static List<IReadOnlyList<long>> ShapesOf(IReadOnlyList<string> names, WeightsFile file) =>
        [.. names.Select(name => file.Tensors[name].Shape)];

    private static bool Fit(List<IReadOnlyList<long>> shapes) =>
        shapes.All(shape => shape.Count > 0 && shape.Skip(1).SequenceEqual(shapes[0].Skip(1)));
}
