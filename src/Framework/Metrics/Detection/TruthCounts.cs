using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>How much of an evaluation's truth is unusual, for its notes.</summary>
internal sealed class TruthCounts
{
    private long _objects,
        _unusable,
        _marked;

    public void Clear() => _objects = _unusable = _marked = 0;

    /// <param name="truth">With what is unusable.</param>
    public void Add(BoxAnnotation truth)
    {
        _objects += truth.Count;
        _unusable += truth.Unusable?.Count ?? 0;
        for (var g = 0; g < truth.Count; g++)
            if (truth.Ignored[g] && !truth.Crowd[g])
                _marked++;
    }

    /// <param name="elsewhere">What others do with marked objects; ends the sentence on them.</param>
    public IEnumerable<string> Notes(string elsewhere)
    {
        if (_unusable > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{_unusable} of {_objects} objects have no extent or lie outside their image: nothing can find them, and they count "
                    + $"as not found."
            );
        if (_marked > 0)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{_marked} of {_objects} objects are marked difficult or \"ignore\": neither asked for nor a mistake{elsewhere}."
            );
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(_objects);
        writer.Write(_unusable);
        writer.Write(_marked);
    }

    /// <summary>Adds what another process counted.</summary>
    public void Read(BinaryReader reader)
    {
        _objects += reader.ReadInt64();
        _unusable += reader.ReadInt64();
        _marked += reader.ReadInt64();
    }
}
