using System.Buffers.Binary;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>Reads what <c>torch.save</c> writes: the zip format since 1.6 and the older one. Executes nothing.</summary>
internal sealed class PyTorchFile : WeightsFile
{
    private const int MaxPickle = 256 << 20;

    private readonly Dictionary<string, PickleTensor> _tensors;

    private PyTorchFile(FileBytes file, string format, object? root, string? part, WeightChoice choice)
        : base(file)
    {
        Format = format;
        var found = StateDict.Find(file, root, part, choice);
        _tensors = found.Tensors;
        (Others, Notes, Classes, Names) = (found.Others, found.Notes, found.Classes, found.Names);
        Tensors = _tensors.ToDictionary(pair => pair.Key, pair => new WeightInfo(pair.Key, pair.Value.Type, pair.Value.Shape));
    }

    public override string Format { get; }

    public override IReadOnlyDictionary<string, WeightInfo> Tensors { get; }

    public override IReadOnlyList<string> Others { get; }

    public override IReadOnlyList<AdvisedText> Notes { get; }

    public override IReadOnlyList<string>? Classes { get; }

    public override string? Names { get; }

    public static PyTorchFile OpenZip(FileBytes file, string? part, WeightChoice choice)
    {
        var entries = new ZipDirectory(file);
        var pickle =
            entries.Names.FirstOrDefault(name =>
                name.EndsWith("/data.pkl", StringComparison.Ordinal) && name.Count(letter => letter == '/') == 1
            ) ?? throw WeightsFileErrors.BadArchive(file, "it has no data.pkl");
        var folder = pickle[..^"data.pkl".Length];
        if (entries.Contains(folder + "constants.pkl"))
            throw WeightsFileErrors.BadArchive(file, "it is a TorchScript program; save its state dict with torch.save instead");
        if (
            entries.Find(folder + "byteorder") is { Length: < 16 } order
            && Encoding.ASCII.GetString(file.Read(order.Offset, order.Length, "byteorder")).Trim() is var word
            && word != "little"
        )
            throw WeightsFileErrors.BadArchive(file, $"its byte order is \"{word}\"; only little endian can be read");

        var (offset, length) = entries.Find(pickle)!.Value;
        if (length > MaxPickle)
            throw WeightsFileErrors.BadPickle(file, $"its pickle has {length} bytes");
        var storages = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        var reader = new PickleReader(
            file,
            file.Read(offset, length, "data.pkl"),
            id =>
            {
                if (PersistentId.Module(id) is { } module)
                    return module;
                var asked = PersistentId.Parse(file, id);
                if (storages.TryGetValue(asked.Key, out var known))
                    return PersistentId.Same(file, known, asked);
                var entry =
                    entries.Find(folder + "data/" + asked.Key)
                    ?? throw WeightsFileErrors.Damaged(file, $"the storage data/{asked.Key} is missing");
                if (!ByteSizes.TryBytes([asked.Count], asked.Type.Size(), out var bytes) || bytes > entry.Length)
                    throw WeightsFileErrors.Damaged(
                        file,
                        $"data/{asked.Key} should hold {asked.Count} elements of {asked.Type}, but has {entry.Length} bytes"
                    );
                asked.Offset = entry.Offset;
                return storages[asked.Key] = asked;
            }
        );
        return new PyTorchFile(file, "PyTorch (zip)", reader.Read(), part, choice);
    }

    public static PyTorchFile OpenLegacy(FileBytes file, string? part, WeightChoice choice)
    {
        // The storages follow the pickles, so only the front is held in memory.
        var front = file.Read(0, Math.Min(file.Length, MaxPickle), "the pickles");
        var storages = new Dictionary<string, PickleStorage>(StringComparer.Ordinal);
        var reader = new PickleReader(
            file,
            front,
            id =>
            {
                if (PersistentId.Module(id) is { } module)
                    return module;
                var asked = PersistentId.Parse(file, id);
                return storages.TryGetValue(asked.Key, out var known) ? PersistentId.Same(file, known, asked) : storages[asked.Key] = asked;
            }
        );
        var magic = reader.Read();
        if (!Equals(magic, PersistentId.LegacyMagic))
            throw WeightsFileErrors.NotWeights(file, "it is a pickle, but not one that torch.save wrote");
        if (reader.Read() is not 1001L)
            throw WeightsFileErrors.Damaged(file, "the protocol's version is not 1001");
        if (reader.Read() is PickleDict system && system["little_endian"] is false)
            throw WeightsFileErrors.Damaged(file, "it is big endian, which can't be read");
        var root = reader.Read();
        if (reader.Read() is not List<object?> keys)
            throw WeightsFileErrors.Damaged(file, "the list of storages is missing");
        PlaceLegacyStorages(file, reader.Position, keys, storages);
        return new PyTorchFile(file, "PyTorch (before 1.6)", root, part, choice);
    }

    // Each storage: its number of elements, 8 bytes, then the elements.
    private static void PlaceLegacyStorages(FileBytes file, long position, List<object?> keys, Dictionary<string, PickleStorage> storages)
    {
        Span<byte> number = stackalloc byte[8];
        foreach (var key in keys)
        {
            if (key is not string name || !storages.TryGetValue(name, out var storage))
                throw WeightsFileErrors.Damaged(file, "a storage belongs to no tensor");
            if (storage.Offset >= 0)
                throw WeightsFileErrors.Damaged(file, $"the storage {name} comes twice");
            file.Read(position, number, $"the storage {name}");
            if (BinaryPrimitives.ReadInt64LittleEndian(number) is var count && count != storage.Count)
                throw WeightsFileErrors.Damaged(file, $"the storage {name} has {count} elements where its tensors expect {storage.Count}");
            position += 8;
            if (!ByteSizes.TryBytes([storage.Count], storage.Type.Size(), out var bytes) || bytes > file.Length - position)
                throw WeightsFileErrors.Truncated(file, $"the storage {name}");
            storage.Offset = position;
            position += bytes;
        }
        if (storages.FirstOrDefault(pair => pair.Value.Offset < 0) is { Key: not null } lost)
            throw WeightsFileErrors.Damaged(file, $"the storage {lost.Key} is missing");
    }

    private protected override void ReadBytes(string name, Span<byte> destination)
    {
        var tensor = _tensors[name];
        if (tensor.IsContiguous)
        {
            File.Read(Start(tensor), destination, $"the data of {name}");
            return;
        }
        Strided.Gather(File, Start(tensor), tensor, destination, name);
    }

    private protected override Stream OpenBytes(string name)
    {
        var tensor = _tensors[name];
        if (!tensor.IsContiguous)
            throw WeightsFileErrors.Damaged(File, $"{name} is a strided tensor of more than 2 GB, which can't be read");
        return File.Stream(Start(tensor), Tensors[name].Bytes);
    }

    private static long Start(PickleTensor tensor) => tensor.Storage.Offset + tensor.Offset * tensor.Type.Size();
}
