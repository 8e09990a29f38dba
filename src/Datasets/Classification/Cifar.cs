using System.Numerics;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>Which of the two data sets, and which of CIFAR-100's two labels.</summary>
public enum CifarVariant
{
    Cifar10,
    Cifar100,
    Cifar100Coarse,
}

public enum CifarSplit
{
    Train,
    Test,
}

/// <param name="Path">The folder or .zip archive with the "binary version": data_batch_1.bin … or train.bin, and the file of class
/// names.</param>
/// <param name="Variant">CIFAR-10, or CIFAR-100 with its 100 fine or its 20 coarse classes.</param>
/// <param name="Split">The 50,000 or the 10,000.</param>
public sealed record CifarOptions(string Path, CifarVariant Variant = CifarVariant.Cifar10, CifarSplit Split = CifarSplit.Train);

/// <summary>CIFAR-10 and CIFAR-100 as their authors publish them, in binary files of 32 x 32 images. Kept in memory.</summary>
/// <remarks>Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. A record: one label byte (two for CIFAR-100: coarse,
/// fine), then 1,024 bytes each of red, green and blue.</remarks>
[Component("Cifar")]
public sealed class Cifar : Dataset
{
    private const int Side = 32,
        Area = Side * Side;

    private readonly List<(string Name, ReadOnlyMemory<byte> Bytes)> _parts = [];
    private readonly int _record,
        _labelAt,
        _headerBytes;
    private readonly int[] _firsts; // of each part

    public Cifar(CifarOptions options)
    {
        var (ten, coarse) = (options.Variant == CifarVariant.Cifar10, options.Variant == CifarVariant.Cifar100Coarse);
        (_headerBytes, _labelAt) = ten ? (1, 0) : (2, coarse ? 0 : 1);
        _record = _headerBytes + 3 * Area;
        string[] names = (ten, options.Split) switch
        {
            (true, CifarSplit.Train) => [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")],
            (true, _) => ["test_batch.bin"],
            (_, CifarSplit.Train) => ["train.bin"],
            _ => ["test.bin"],
        };
        var files = FileStore.Open(options.Path);
        var folder = FolderOf(files, names[0]);
        var classes = ReadClasses(
            files,
            folder
                + (
                    ten ? "batches.meta.txt"
                    : coarse ? "coarse_label_names.txt"
                    : "fine_label_names.txt"
                ),
            ten ? 10
                : coarse ? 20
                : 100
        );
        Info = new DataInfo(classes, DataTask.Classification);
        _firsts = new int[names.Length];
        foreach (var name in names)
        {
            _firsts[_parts.Count] = Count;
            var part = (files.Describe(folder + name), files.Read(folder + name));
            CheckRecords(part);
            _parts.Add(part);
            Count += part.Item2.Length / _record;
        }
    }

    public override int Count { get; }

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        var (part, at) = Find(index);
        var record = RecordOf(part, at);
        var image = new Image(Side, Side, 3);
        var planes = record[_headerBytes..];
        for (int i = 0, to = 0; i < Area; i++, to += 3)
        {
            image.Bytes[to] = planes[i];
            image.Bytes[to + 1] = planes[i + Area];
            image.Bytes[to + 2] = planes[i + 2 * Area];
        }
        return new Sample
        {
            Index = index,
            Name = $"{_parts[part].Name}[{at}]",
            Image = new(image),
            Geometry = new Geometry(Side, Side, Matrix3x2.Identity),
            Truth = { Label = record[_labelAt] },
        };
    }

    public override int? LabelOf(int index)
    {
        var (part, at) = Find(index);
        return RecordOf(part, at)[_labelAt];
    }

    private (int Part, int At) Find(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        var part = Array.FindLastIndex(_firsts, first => first <= index);
        return (part, index - _firsts[part]);
    }

    private ReadOnlySpan<byte> RecordOf(int part, int at) => _parts[part].Bytes.Span.Slice(at * _record, _record);

    private void CheckRecords((string Name, ReadOnlyMemory<byte> Bytes) part)
    {
        if (part.Bytes.Length % _record != 0)
            throw new UserErrorException(
                $"{part.Name} is cut off or of another format: {part.Bytes.Length:N0} bytes are not a whole number of records of "
                    + $"{_record:N0} bytes (10,000 records are {10_000L * _record:N0})."
            );
        var bytes = part.Bytes.Span;
        for (var at = 0; at < bytes.Length; at += _record)
            if (bytes[at + _labelAt] >= Info.Classes.Count)
                throw new UserErrorException(
                    $"{part.Name}: record {at / _record} has label {bytes[at + _labelAt]}; expected 0 to {Info.Classes.Count - 1}."
                );
    }

    /// <summary>The archive's own top folder, if the files lie in it.</summary>
    private static string FolderOf(FileStore files, string name)
    {
        foreach (var folder in new[] { "", "cifar-10-batches-bin/", "cifar-100-binary/" })
            if (files.Contains(folder + name))
                return folder;
        throw new UserErrorException(
            $"{files.Location} has no {name}. Cifar reads the binary version of the data set (data_batch_1.bin … or train.bin); for "
                + $"folders of images use ImageFolder."
        );
    }

    private static string[] ReadClasses(FileStore files, string name, int count)
    {
        var text = System.Text.Encoding.UTF8.GetString(files.Read(name).Span);
        var classes = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return classes.Length == count
            ? classes
            : throw new UserErrorException($"{files.Describe(name)} names {classes.Length} classes; expected {count}.");
    }
}
