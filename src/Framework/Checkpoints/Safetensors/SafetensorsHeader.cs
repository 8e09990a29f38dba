using System.Buffers.Binary;
using System.Text.Json;

namespace Tessera.Framework.Checkpoints.Safetensors;

/// <summary>The header of a safetensors file, read and checked before anything is allocated for tensors.</summary>
/// <remarks>
/// Format: https://github.com/huggingface/safetensors. 8 bytes header length (little endian), the header as a JSON
/// object beginning with <c>{</c>, possibly padded with spaces, then the tensors' bytes without holes.
/// </remarks>
internal sealed class SafetensorsHeader
{
    /// <summary>The format's own bound.</summary>
    public const long MaxLength = 100_000_000;

    private const int MaxRank = 64;

    private SafetensorsHeader() { }

    public Dictionary<string, string> Metadata { get; } = [];

    public Dictionary<string, (WeightInfo Info, long Offset)> Tensors { get; } = [];

    /// <summary>Where the tensors' bytes begin in the file.</summary>
    public long DataStart { get; private set; }

    public static SafetensorsHeader Read(FileBytes file)
    {
        Span<byte> prefix = stackalloc byte[8];
        file.Read(0, prefix, "the header's length");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
            throw WeightsFileErrors.Damaged(file, $"the header claims {length} bytes; at most {MaxLength} are allowed");
        if (length < 2)
            throw WeightsFileErrors.Damaged(file, "the header is empty");
        var json = file.Read(8, (long)length, $"the header of {length} bytes");

        var header = new SafetensorsHeader { DataStart = 8 + (long)length };
        try
        {
            header.Parse(file, json);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw WeightsFileErrors.Damaged(file, "the header is not the JSON that safetensors prescribes: " + error.Message);
        }
        header.CheckOffsets(file);
        return header;
    }

    private void Parse(FileBytes file, byte[] json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 8 });
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader, out var name))
        {
            if (name == "__metadata__")
            {
                if (Metadata.Count > 0)
                    throw WeightsFileErrors.Damaged(file, "__metadata__ occurs twice");
                Expect(ref reader, JsonTokenType.StartObject);
                while (NextName(ref reader, out var key))
                {
                    Expect(ref reader, JsonTokenType.String);
                    if (!Metadata.TryAdd(key, reader.GetString()!))
                        throw WeightsFileErrors.Damaged(file, $"__metadata__ holds \"{key}\" twice");
                }
            }
            else if (!Tensors.TryAdd(name, ParseTensor(file, ref reader, name)))
                throw WeightsFileErrors.Damaged(file, $"two tensors are called {name}");
        }
        if (reader.Read())
            throw new FormatException("Something follows the object.");
    }

    private (WeightInfo Info, long Offset) ParseTensor(FileBytes file, ref Utf8JsonReader reader, string name)
    {
        ElementType? type = null;
        List<long>? shape = null,
            offsets = null;
        Expect(ref reader, JsonTokenType.StartObject);
        while (NextName(ref reader, out var key))
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(ref reader, JsonTokenType.String);
                    var word = reader.GetString()!;
                    type = ElementTypes.FromSafetensorsName(word) ?? throw WeightsFileErrors.UnknownElementType(file, name, word);
                    break;
                case "shape" when shape is null:
                    shape = Integers(ref reader, MaxRank);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = Integers(ref reader, 2);
                    break;
                default:
                    throw new FormatException($"Tensor {name}: \"{key}\" is not expected here.");
            }
        if (type is null || shape is null || offsets is not [var begin, var end])
            throw new FormatException($"Tensor {name} lacks dtype, shape or data_offsets.");

        if (!ByteSizes.TryBytes(shape, type.Value.Size(), out var bytes) || end - begin != bytes)
            throw WeightsFileErrors.Damaged(
                file,
                $"{name} has shape {WeightInfo.ShapeText(shape)} of {type}, yet its data has {end - begin} bytes"
            );
        return (new WeightInfo(name, type.Value, shape), begin);
    }

    private void CheckOffsets(FileBytes file)
    {
        var expected = 0L;
        foreach (var (info, offset) in Tensors.Values.OrderBy(tensor => tensor.Offset).ThenBy(tensor => tensor.Info.Bytes))
        {
            if (offset != expected)
                throw WeightsFileErrors.Damaged(
                    file,
                    $"the data of {info.Name} begins at {offset}, not at {expected}: there is "
                        + $"{(offset < expected ? "an overlap" : "a hole")}"
                );
            if (info.Bytes > file.Length - DataStart - offset)
                throw WeightsFileErrors.Truncated(file, $"the data of {info.Name}");
            expected = offset + info.Bytes;
        }
        if (DataStart + expected != file.Length)
            throw WeightsFileErrors.Damaged(file, $"{file.Length - DataStart - expected} bytes at the end belong to no tensor");
    }

    private static List<long> Integers(ref Utf8JsonReader reader, int atMost)
    {
        var values = new List<long>();
        Expect(ref reader, JsonTokenType.StartArray);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out var value) || value < 0)
                throw new FormatException("ByteSizes and offsets are whole numbers from 0.");
            if (values.Count == atMost)
                throw new FormatException($"A list has more than {atMost} entries.");
            values.Add(value);
        }
        return values;
    }

    private static bool NextName(ref Utf8JsonReader reader, out string name)
    {
        reader.Read();
        name = reader.TokenType == JsonTokenType.PropertyName ? reader.GetString()! : "";
        return reader.TokenType == JsonTokenType.PropertyName;
    }

    private static void Expect(ref Utf8JsonReader reader, JsonTokenType type)
    {
        if (!reader.Read() || reader.TokenType != type)
            throw new FormatException($"{type} is expected, {reader.TokenType} found.");
    }
}
