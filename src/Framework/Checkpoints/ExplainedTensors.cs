using Tessera.Framework.Models;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>The tensors of a file that a map says are not needed: computed here, or the same as another, of a layer that is used in several
/// places.</summary>
internal sealed class ExplainedTensors
{
    private readonly List<(string Foreign, string Own)> _repeats = [];

    public int Count { get; private set; }

    /// <param name="name">Its name in the map's form.</param>
    /// <param name="foreign">Its name in the file.</param>
    /// <param name="has">Whether the file has a name in the map's form.</param>
    /// <returns>Whether it is such a tensor.</returns>
    public bool Add(KeyMap? map, string name, string foreign, Func<string, bool> has)
    {
        if (map?.Repeats?.Invoke(name) is { } original && has(original) && map.Rename(original) is { } own)
            _repeats.Add((foreign, own));
        else if (map?.Computed?.Invoke(name) != true)
            return false;
        Count++;
        return true;
    }

    /// <param name="names">The file's name by the module's.</param>
    /// <exception cref="UserErrorException">One differs from the tensor it is to repeat: the layer is not shared there.</exception>
    public void RequireEqual(Dictionary<string, string> names, WeightsFile file, string path)
    {
        foreach (var (foreign, own) in _repeats)
        {
            if (!names.TryGetValue(own, out var original))
                continue;
            using var scope = NewDisposeScope();
            var (one, other) = (file.Read(original), file.Read(foreign));
            if (!one.shape.SequenceEqual(other.shape) || !one.bytes.SequenceEqual(other.bytes))
                throw CheckpointErrors.NotShared(path, foreign, original, own);
        }
    }
}
