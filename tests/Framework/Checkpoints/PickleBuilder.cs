using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using static TorchSharp.torch;

namespace Tessera.Tests.Framework.Checkpoints;

/// <summary>An object of a class that a script defined, with a state.</summary>
internal sealed record PythonObject(string Module, string Class, object? State = null);

/// <summary>
/// Writes what torch.save would of dictionaries (with string keys), lists, texts, numbers, tensors (float32, int64, uint8) and
/// objects, in the zip format.
/// </summary>
internal sealed class PickleBuilder
{
    private readonly MemoryStream _pickle = new();
    private readonly List<byte[]> _storages = [];

    public static void Save(string path, object root)
    {
        var builder = new PickleBuilder();
        builder._pickle.Write([0x80, 2]);
        builder.Write(root);
        builder._pickle.WriteByte((byte)'.');
        using var archive = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Entry(archive, "data.pkl", builder._pickle.ToArray());
        foreach (var (i, storage) in builder._storages.Index())
            Entry(archive, $"data/{i}", storage);
        Entry(archive, "version", "3\n"u8.ToArray());
    }

    private static void Entry(ZipArchive archive, string name, byte[] content)
    {
        using var stream = archive.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    private void Write(object? value)
    {
        switch (value)
        {
            case null:
                _pickle.WriteByte((byte)'N');
                break;
            case string text:
                Text(text);
                break;
            case int number:
                Integer(number);
                break;
            case double number:
                Span<byte> bytes = stackalloc byte[8];
                BinaryPrimitives.WriteDoubleBigEndian(bytes, number);
                _pickle.WriteByte((byte)'G');
                _pickle.Write(bytes);
                break;
            case Tensor tensor:
                Write(tensor);
                break;
            case IReadOnlyDictionary<string, Tensor> state:
                Dict(state.Select(pair => (pair.Key, (object?)pair.Value)));
                break;
            case IReadOnlyDictionary<string, object?> dict:
                Dict(dict.Select(pair => (pair.Key, pair.Value)));
                break;
            case PythonObject made:
                Global(made.Module, made.Class);
                _pickle.Write([(byte)')', 0x81]); // NEWOBJ
                if (made.State is null)
                    break;
                Write(made.State);
                _pickle.WriteByte((byte)'b');
                break;
            case object?[] list:
                _pickle.Write("]("u8);
                foreach (var item in list)
                    Write(item);
                _pickle.WriteByte((byte)'e');
                break;
            default:
                throw new ArgumentException($"{value.GetType()} is not written.");
        }
    }

    private void Dict(IEnumerable<(string Key, object? Value)> entries)
    {
        Global("collections", "OrderedDict");
        _pickle.Write(")R("u8);
        foreach (var (key, value) in entries)
        {
            Text(key);
            Write(value);
        }
        _pickle.WriteByte((byte)'u');
    }

    private void Write(Tensor tensor)
    {
        using var plain = tensor.detach().cpu().contiguous();
        Global("torch._utils", "_rebuild_tensor_v2");
        _pickle.Write("(("u8);
        Text("storage");
        Global(
            "torch",
            plain.dtype switch
            {
                ScalarType.Int64 => "LongStorage",
                ScalarType.Byte => "ByteStorage",
                _ => "FloatStorage",
            }
        );
        Text($"{_storages.Count}");
        Text("cpu");
        Integer(plain.NumberOfElements);
        _pickle.Write("tQ"u8);
        Integer(0);
        Tuple(plain.shape);
        Tuple(plain.stride());
        _pickle.WriteByte(0x89);
        Global("collections", "OrderedDict");
        _pickle.Write(")RtR"u8);
        _storages.Add(plain.NumberOfElements == 0 ? [] : plain.bytes.ToArray());
    }

    private void Global(string module, string name) => _pickle.Write(Encoding.ASCII.GetBytes($"c{module}\n{name}\n"));

    private void Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _pickle.WriteByte((byte)'X');
        _pickle.Write(length);
        _pickle.Write(bytes);
    }

    private void Integer(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _pickle.Write([0x8A, 8]);
        _pickle.Write(bytes);
    }

    private void Tuple(long[] values)
    {
        _pickle.WriteByte((byte)'(');
        foreach (var value in values)
            Integer(value);
        _pickle.WriteByte((byte)'t');
    }
}
