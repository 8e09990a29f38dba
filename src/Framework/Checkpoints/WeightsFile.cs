using System.Text.RegularExpressions;
using Tessera.Framework.Checkpoints.PyTorch;
using Tessera.Framework.Checkpoints.Safetensors;
using Tessera.Framework.Data;
using static TorchSharp.torch;

namespace Tessera.Framework.Checkpoints;

/// <summary>
/// Named tensors in a file: safetensors, or a PyTorch checkpoint. What a file holds is checked when it is opened;
/// a tensor is read when asked for.
/// </summary>
public abstract partial class WeightsFile : IDisposable
{
    private protected WeightsFile(FileBytes file) => File = file;

    private protected FileBytes File { get; }

    public string Path => File.Path;

    /// <summary>The format, for messages: "safetensors", "PyTorch (zip)" …</summary>
    public abstract string Format { get; }

    /// <summary>The tensors by name, in the file's order.</summary>
    public abstract IReadOnlyDictionary<string, WeightInfo> Tensors { get; }

    /// <summary>Strings that go with the tensors (safetensors' <c>__metadata__</c>).</summary>
    public virtual IReadOnlyDictionary<string, string> Metadata => new Dictionary<string, string>();

    /// <summary>What else the file holds, in words: <c>best_prec1 = 91.78</c>.</summary>
    public virtual IReadOnlyList<string> Others => [];

    /// <summary>What a user should know of which weights are taken.</summary>
    public virtual IReadOnlyList<AdvisedText> Notes => [];

    /// <summary>The class names that the file gives, in the order of its classifier's rows; null where it gives none.</summary>
    public virtual IReadOnlyList<string>? Classes => null;

    /// <summary>The task that the weights were trained for; null where the file doesn't say.</summary>
    public virtual DataTask? Task => null;

    /// <summary>Whose names the tensors bear, as the file itself says ("timm", "own" …); null where it doesn't.</summary>
    public virtual string? Names => null;

    /// <summary>The files that the tensors lie in.</summary>
    public virtual IReadOnlyList<string> Files => [Path];

    /// <summary>Opens a file by what it contains, whatever its extension.</summary>
    /// <param name="path">A file of weights, or the index (.index.json) of weights in several files.</param>
    /// <param name="part">Which of a PyTorch checkpoint's dictionaries holds the weights; null: the usual names are tried, in any
    /// nesting.</param>
    /// <param name="choice">Which dictionary to take where a PyTorch checkpoint has an average beside the trained weights.</param>
    /// <exception cref="UserErrorException">No such file; no such format; the file is damaged, or holds what isn't data.</exception>
    public static WeightsFile Open(string path, string? part = null, WeightChoice choice = WeightChoice.Averaged)
    {
        if (OneOfSeveral().Match(System.IO.Path.GetFileName(path)) is { Success: true } shard && System.IO.File.Exists(path))
            throw WeightsFileErrors.OneOfSeveral(path, shard.Groups["part"].Value, shard.Groups["parts"].Value);
        return OpenOne(path, part, choice);
    }

    /// <summary>Opens a file, also one that holds a part of the weights.</summary>
    internal static WeightsFile OpenOne(string path, string? part = null, WeightChoice choice = WeightChoice.Averaged)
    {
        var file = FileBytes.Open(path);
        try
        {
            Span<byte> start = stackalloc byte[512];
            start = start[..file.ReadUpTo(0, start)];
            return FileKinds.Detect(start, file.Length) switch
            {
                FileKind.PyTorchZip => PyTorchFile.OpenZip(file, part, choice),
                FileKind.PyTorchLegacy => PyTorchFile.OpenLegacy(file, part, choice),
                FileKind.Safetensors when part is null => SafetensorsFile.Open(file),
                FileKind.Safetensors => throw WeightsFileErrors.NoParts(file, part!),
                FileKind.Json => ShardedFile.Open(file, part, choice),
                var kind => throw WeightsFileErrors.NotWeights(file, FileKinds.Describe(kind)),
            };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The name of one of several files; a single one is whole.</summary>
    [GeneratedRegex(@"-0*(?<part>\d+)-of-0*(?<parts>\d*[2-9]|\d*[1-9]\d)\.\w+$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex OneOfSeveral();

    /// <summary>Reads a tensor to the CPU, contiguous. The caller owns it.</summary>
    /// <exception cref="KeyNotFoundException">The file has no tensor of that name.</exception>
    /// <exception cref="UserErrorException">The file can't be read, or the provider has no such type.</exception>
    public Tensor Read(string name)
    {
        var info = Tensors[name];
        var type = info.Type.ToScalarType() ?? throw WeightsFileErrors.NoSuchType(File, info);
        var tensor = empty([.. info.Shape], dtype: type);
        try
        {
            if (info.Count == 0)
                return tensor;
            if (info.Bytes <= int.MaxValue)
                ReadBytes(name, tensor.bytes);
            else
                using (var stream = OpenBytes(name))
                    tensor.ReadBytesFromStream(stream, 1 << 20);
            return tensor;
        }
        catch (EndOfStreamException)
        {
            tensor.Dispose();
            throw WeightsFileErrors.Truncated(File, $"the data of {name}");
        }
        catch
        {
            tensor.Dispose();
            throw;
        }
    }

    /// <summary>A tensor's bytes, little endian, in order.</summary>
    public byte[] ReadBytes(string name)
    {
        var bytes = new byte[Tensors[name].Bytes];
        ReadBytes(name, bytes);
        return bytes;
    }

    /// <param name="destination">As long as the tensor.</param>
    internal void ReadInto(string name, Span<byte> destination) => ReadBytes(name, destination);

    internal Stream BytesOf(string name) => OpenBytes(name);

    internal void CopyTo(string name, Stream destination)
    {
        using var stream = OpenBytes(name);
        stream.CopyTo(destination, 1 << 20);
    }

    /// <param name="destination">As long as the tensor.</param>
    private protected abstract void ReadBytes(string name, Span<byte> destination);

    /// <summary>The bytes as a stream, for tensors beyond 2 GB.</summary>
    private protected abstract Stream OpenBytes(string name);

    public void Dispose()
    {
        Close();
        File.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what else was opened.</summary>
    private protected virtual void Close() { }
}
