using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>The tensors of a file of which several are one in the module; see <see cref="KeyMap.Joined"/>.</summary>
internal sealed class JoinedTensors
{
    private readonly Dictionary<string, Parts> _parts = new(StringComparer.Ordinal);

    /// <param name="Names">In the map's form, in order.</param>
    /// <param name="Foreign">In the file; null where it was not found.</param>
    private sealed record Parts(IReadOnlyList<string> Names, string?[] Foreign)
    {
        public IEnumerable<string> Found => Foreign.OfType<string>();
    }

    /// <summary>Whether a tensor of the module is made of several.</summary>
    public bool Has(string own) => _parts.ContainsKey(own);

    /// <param name="own">The module's name.</param>
    /// <param name="names">Of all its parts, in the map's form.</param>
    /// <param name="name">Of this one.</param>
    /// <param name="foreign">Its name in the file.</param>
    /// <returns>Whether its place was free.</returns>
    public bool Add(string own, IReadOnlyList<string> names, string name, string foreign)
    {
        if (!_parts.TryGetValue(own, out var parts))
            _parts.Add(own, parts = new Parts(names, new string?[names.Count]));
        var place = names.ToList().IndexOf(name);
        if (place < 0 || parts.Foreign.Length <= place || parts.Foreign[place] is not null)
            return false;
        parts.Foreign[place] = foreign;
        return true;
    }

    /// <summary>The file's names of a tensor's parts; null where it is whole there.</summary>
    public IReadOnlyList<string>? Of(string own) => _parts.TryGetValue(own, out var parts) ? [.. parts.Found] : null;

    /// <summary>Their shape when they are joined; null where the tensor is whole in the file, or where they can't be joined.</summary>
    public IReadOnlyList<long>? ShapeOf(string own, WeightsFile file) =>
        Of(own) is { } names && ShapesOf(names, file) is var shapes && Fit(shapes) ? [shapes.Sum(shape => shape[0]), .. shapes[0].Skip(1)] : null;

    /// <summary>The parts, joined; null where the tensor is whole in the file.</summary>
    public Tensor? Read(string own, WeightsFile file)
    {
        if (Of(own) is not { } names)
            return null;
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(cat([.. names.Select(file.Read)], 0));
    }

    /// <summary>A shape that doesn't fit, with those of the parts that it is made of.</summary>
    public string Describe(string own, IReadOnlyList<long> shape, WeightsFile file) =>
        WeightInfo.ShapeText([.. shape])
        + (Of(own) is { } names ? $" joined of {string.Join(" and ", ShapesOf(names, file).Select(part => WeightInfo.ShapeText([.. part])))}" : "");

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
