using Tessera.Framework.Data;

namespace Tessera.Framework.Checkpoints.Safetensors;

/// <summary>Reads safetensors files.</summary>
internal sealed class SafetensorsFile : WeightsFile
{
    private readonly SafetensorsHeader _header;

    private SafetensorsFile(FileBytes file)
        : base(file)
    {
        _header = SafetensorsHeader.Read(file);
        Tensors = _header.Tensors.OrderBy(tensor => tensor.Value.Offset).ToDictionary(tensor => tensor.Key, tensor => tensor.Value.Info);
    }

    public override string Format => "safetensors";

    public override IReadOnlyDictionary<string, WeightInfo> Tensors { get; }

    public override IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    public override IReadOnlyList<string>? Classes => PublishedInfo.Classes(Metadata);

    public override string? Names => Metadata.ContainsKey(Publisher.ClassesKey) ? Metadata.GetValueOrDefault(Publisher.NamesKey) : null;

    public override DataTask? Task => PublishedInfo.Task(Metadata);

    public static SafetensorsFile Open(FileBytes file) => new(file);

    public static SafetensorsFile OpenPath(string path)
    {
        var file = FileBytes.Open(path);
        try
        {
            return new SafetensorsFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether the file is what was sealed when it was written; see <see cref="Seal"/>. null: it bears no seal.</summary>
    public bool? SealIsIntact() => Metadata.ContainsKey(Seal.Key) ? Seal.Check(File, _header) : null;

    private protected override void ReadBytes(string name, Span<byte> destination) =>
        File.Read(Place(name), destination, $"the data of {name}");

    private protected override Stream OpenBytes(string name) => File.Stream(Place(name), Tensors[name].Bytes);

    private long Place(string name) => _header.DataStart + _header.Tensors[name].Offset;
}
