using System.Globalization;
using System.Numerics;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>How a pickle of PyTorch's names a storage: <c>("storage", type, key, device, elements[, view])</c>.</summary>
internal static class PersistentId
{
    /// <summary>What a file of the old format begins with.</summary>
    public static readonly BigInteger LegacyMagic = BigInteger.Parse(
        "1950A86A20F9469CFC6C",
        NumberStyles.HexNumber,
        CultureInfo.InvariantCulture
    );

    /// <summary>The class of a whole module, which old files give with its source code: an object like others. null where it is a
    /// storage.</summary>
    public static PickleGlobal? Module(object? id) =>
        id is PickleTuple { Items: ["module", PickleGlobal { Call: PickleCall.Object } type, ..] } ? type : null;

    public static PickleStorage Parse(FileBytes file, object? id)
    {
        if (
            id is not PickleTuple { Items: ["storage", PickleGlobal { Type: { } type }, string key, string or null, long count, ..] }
            || count < 0
        )
            throw WeightsFileErrors.BadPickle(file, "a storage is named in another way than PyTorch does");
        var items = ((PickleTuple)id).Items;
        if (items.Length > 5 && items[5] is not null)
            throw WeightsFileErrors.BadPickle(file, "a storage is a view of another storage, a form that PyTorch gave up in 2017");
        return new PickleStorage(key, type, count);
    }

    /// <summary>A storage that was named before.</summary>
    public static PickleStorage Same(FileBytes file, PickleStorage known, PickleStorage asked) =>
        known.Type == asked.Type && known.Count == asked.Count
            ? known
            : throw WeightsFileErrors.BadPickle(file, $"the storage {known.Key} is described in two ways");
}
