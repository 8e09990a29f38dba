using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Models.Loading;

/// <summary>Writes safetensors files after the format's specification.</summary>
internal static class PlainSafetensors
{
    public static void Write(string path, IEnumerable<(string Name, Tensor Value)> tensors)
    {
        var list = tensors.ToList();
        using var stream = Begin(
            path,
            list.Select(entry => (entry.Name, entry.Value.dtype == ScalarType.Int64 ? "I64" : "F32", entry.Value.shape)),
            out _
        );
        foreach (var (_, value) in list)
        {
            using var plain = value.detach().contiguous();
            if (plain.NumberOfElements > 0)
                stream.Write(plain.bytes);
        }
    }

    /// <summary>A file of zeros, which takes no room on the disk, but for one tensor.</summary>
    public static void WriteZeros(string path, IReadOnlyList<(string Name, long[] Shape)> tensors, string except, float[] values)
    {
        using var stream = Begin(path, tensors.Select(entry => (entry.Name, "F32", entry.Shape)), out var places);
        stream.SetLength(places["\0"]);
        stream.Position = places[except];
        foreach (var value in values)
            stream.Write(BitConverter.GetBytes(value));
    }

    private static FileStream Begin(
        string path,
        IEnumerable<(string Name, string Type, long[] Shape)> tensors,
        out Dictionary<string, long> places
    )
    {
        var header = new Dictionary<string, object>();
        var offset = 0L;
        var starts = new Dictionary<string, long>();
        foreach (var (name, type, shape) in tensors)
        {
            var bytes = shape.Aggregate(type == "I64" ? 8L : 4L, (product, size) => product * size);
            header.Add(
                name,
                new
                {
                    dtype = type,
                    shape,
                    data_offsets = new[] { offset, offset + bytes },
                }
            );
            starts.Add(name, offset);
            offset += bytes;
        }
        var json = JsonSerializer.SerializeToUtf8Bytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        var stream = File.Create(path);
        stream.Write(length);
        stream.Write(json);
        places = starts.ToDictionary(pair => pair.Key, pair => pair.Value + 8 + json.Length);
        places.Add("\0", offset + 8 + json.Length); // the end
        return stream;
    }
}
