using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Tessera.Framework.Checkpoints.Safetensors;

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    /// <summary>Writes a whole file, sealed (see <see cref="Seal"/>).</summary>
    /// <param name="stream">Empty, and able to seek.</param>
    /// <param name="metadata">Without the seal.</param>
    public static void Write(Stream stream, IEnumerable<WeightSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        // Widest types first, so that every tensor is aligned to its type for those who map the file.
        var ordered = tensors
            .OrderByDescending(tensor => tensor.Info.Type.Size())
            .ThenBy(tensor => tensor.Info.Name, StringComparer.Ordinal)
            .ToList();
        var header = Header(ordered, metadata);
        stream.Write(header);

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(header);
        var hashing = new HashingStream(stream, hash);
        foreach (var tensor in ordered)
        {
            var before = hashing.Written;
            tensor.WriteTo(hashing);
            if (hashing.Written - before != tensor.Info.Bytes)
                throw new InvalidOperationException($"{tensor.Info} wrote {hashing.Written - before} bytes.");
        }
        stream.Position = Seal.Place(header);
        stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexStringLower(hash.GetHashAndReset())));
        stream.Seek(0, SeekOrigin.End);
    }

    private static byte[] Header(List<WeightSource> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using var buffer = new MemoryStream();
        buffer.Write(stackalloc byte[8]);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject("__metadata__");
            json.WriteString(Seal.Key, Seal.Blank);
            foreach (var (key, value) in metadata)
                json.WriteString(key, value);
            json.WriteEndObject();
            var offset = 0L;
            foreach (var (info, _) in tensors)
            {
                json.WriteStartObject(info.Name);
                json.WriteString("dtype", info.Type.SafetensorsName() ?? throw WeightsFileErrors.CannotStore(info));
                json.WriteStartArray("shape");
                foreach (var size in info.Shape)
                    json.WriteNumberValue(size);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(offset);
                json.WriteNumberValue(offset += info.Bytes);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        while (buffer.Length % 8 != 0)
            buffer.WriteByte((byte)' ');
        var bytes = buffer.ToArray();
        if (bytes.Length - 8 > SafetensorsHeader.MaxLength)
            throw new InvalidOperationException("The header is beyond what the format allows.");
        BinaryPrimitives.WriteInt64LittleEndian(bytes, bytes.Length - 8);
        return bytes;
    }

    private sealed class HashingStream(Stream inner, IncrementalHash hash) : Stream
    {
        public long Written { get; private set; }
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => Written;
        public override long Position
        {
            get => Written;
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            inner.Write(buffer);
            hash.AppendData(buffer);
            Written += buffer.Length;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
