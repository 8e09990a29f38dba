using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace Tessera.Tests.Models;

/// <summary>A safetensors file of float32 tensors, as another project would write it: the format in a few lines.</summary>
internal static class ForeignFile
{
    public static void Write(string path, IEnumerable<(string Name, Tensor Values)> tensors)
    {
        var header = new Dictionary<string, object>();
        using var data = new MemoryStream();
        foreach (var (name, values) in tensors)
        {
            using var plain = values.detach().to(ScalarType.Float32).cpu().contiguous();
            var start = data.Length;
            data.Write(plain.bytes);
            header[name] = new
            {
                dtype = "F32",
                shape = values.shape,
                data_offsets = new[] { start, data.Length },
            };
        }
        var json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        using var file = File.Create(path);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        file.Write(length);
        file.Write(json);
        data.WriteTo(file);
    }
}
