using System.Text.Json;
using Microsoft.Win32.SafeHandles;

namespace Tessera.Torch;

/// <summary>Reads the nodes of an execution trace one by one, while its file is being written. Memory: one node.</summary>
/// <param name="start">Where to begin; what is there may be the rest of a node, or zeros.</param>
/// <param name="thread">The others' nodes are left out.</param>
internal sealed class TraceReader(SafeFileHandle file, long start, long thread)
{
    private const int FirstBuffer = 1 << 16,
        LargestNode = 1 << 26;

    private readonly Dictionary<string, string> _texts = [];
    private readonly Dictionary<string, TraceType> _types = [];
    private byte[] _buffer = new byte[FirstBuffer];
    private int _begin,
        _end;
    private long _offset = start; // of what comes behind the buffer

    /// <summary>The first name within a node, and nowhere else.</summary>
    private static ReadOnlySpan<byte> Key => "\"id\""u8;

    /// <summary>Behind the last node read.</summary>
    public long Position => _offset - (_end - _begin);

    /// <summary>Id of the last node's parent.</summary>
    public long Parent { get; private set; }

    /// <param name="strict">Otherwise what can't be understood is skipped.</param>
    /// <returns>null at the end of what has been written.</returns>
    /// <exception cref="IOException">The text isn't a trace, and <paramref name="strict"/>.</exception>
    public TracedOperator? Next(bool strict)
    {
        while (true)
        {
            try
            {
                using var node = NextNode();
                if (node is null)
                    return null;
                if (Read(node.RootElement) is { } found)
                    return found;
            }
            catch (Exception e)
                when (e
                        is JsonException
                            or FormatException
                            or InvalidOperationException
                            or KeyNotFoundException
                            or IndexOutOfRangeException
                            or ArgumentException
                            or OverflowException
                )
            {
                if (strict)
                    throw new IOException($"libtorch's trace of operators is not as expected: {e.Message}", e);
                if (_begin < _end)
                    _begin++; // over the brace
            }
        }
    }

    private JsonDocument? NextNode()
    {
        while (true)
        {
            var rest = _buffer.AsSpan(_begin, _end - _begin);
            var key = rest.IndexOf(Key);
            var brace = rest[..(key < 0 ? rest.Length : key)].LastIndexOf((byte)'{');
            if (key >= 0 && brace < 0)
            {
                _begin += key + Key.Length; // of a node that is cut off
                continue;
            }
            _begin = brace < 0 ? Math.Max(_begin, _end - Key.Length) : _begin + brace;
            if (key >= 0)
            {
                var reader = new Utf8JsonReader(rest[brace..], isFinalBlock: false, default);
                if (JsonDocument.TryParseValue(ref reader, out var node))
                {
                    _begin += (int)reader.BytesConsumed;
                    return node;
                }
            }
            if (!Fill())
                return null;
        }
    }

    private bool Fill()
    {
        _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
        (_begin, _end) = (0, _end - _begin);
        if (_end > _buffer.Length / 2)
        {
            if (_buffer.Length >= LargestNode)
                throw new IOException("libtorch's trace of operators holds a node that is too long.");
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        }
        var count = RandomAccess.Read(file, _buffer.AsSpan(_end), _offset);
        (_end, _offset) = (_end + count, _offset + count);
        return count > 0;
    }

    private TracedOperator? Read(JsonElement node)
    {
        var schema = "";
        foreach (var attribute in node.GetProperty("attrs").EnumerateArray())
        {
            if (attribute.GetProperty("name").ValueEquals("tid") && attribute.GetProperty("value").GetInt64() != thread)
                return null;
            if (attribute.GetProperty("name").ValueEquals("op_schema"))
                schema = Shared(attribute.GetProperty("value"));
        }
        var name = Shared(node.GetProperty("name"));
        if (name.StartsWith("[pytorch|", StringComparison.Ordinal))
            return null; // the thread itself
        Parent = node.GetProperty("ctrl_deps").GetInt64();
        return new TracedOperator(
            node.GetProperty("id").GetInt64(),
            name,
            schema,
            Values(node.GetProperty("inputs")),
            Values(node.GetProperty("outputs"))
        );
    }

    private TracedValue[] Values(JsonElement side)
    {
        var (values, types, shapes, strides) = (
            side.GetProperty("values"),
            side.GetProperty("types"),
            side.GetProperty("shapes"),
            side.GetProperty("strides")
        );
        var read = new TracedValue[values.GetArrayLength()];
        var (v, t, s, r) = (values.EnumerateArray(), types.EnumerateArray(), shapes.EnumerateArray(), strides.EnumerateArray());
        for (var i = 0; i < read.Length; i++)
            read[i] = Value(Next(ref v), Type(Next(ref t)), Next(ref s), Next(ref r));
        return read;
    }

    // An index would count from the beginning each time.
    private static JsonElement Next(ref JsonElement.ArrayEnumerator list) =>
        list.MoveNext() ? list.Current : throw new FormatException("a list is too short");

    private TracedValue Value(JsonElement value, TraceType type, JsonElement shape, JsonElement strides)
    {
        switch (type.Kind)
        {
            case "Tensor" when type.Detail.Contains("uninitialized", StringComparison.Ordinal):
            case "None":
                return TracedNothing.Instance;
            case "Tensor":
                return new TracedTensor(
                    value[0].GetInt64(),
                    value[1].GetInt64(),
                    value[2].GetInt64(),
                    value[4].GetInt32(),
                    Shared(value[5]),
                    Integers(shape),
                    Integers(strides),
                    TraceType.Scalar(type.Detail),
                    type.Detail
                );
            case "GenericList" or "Tuple":
                return List(value, type.Items, shape, strides);
            case "Int":
                return new TracedInteger(value.GetInt64());
            case "Bool":
                return new TracedBool(value.GetBoolean());
            case "Double":
                return new TracedDouble(
                    value.ValueKind == JsonValueKind.Number ? value.GetDouble() : TraceType.NotFinite(value.GetString()!)
                );
            case "String" or "Device":
                return new TracedText(Shared(value));
            default:
                return new TracedOther(type.Kind);
        }
    }

    private TracedList List(JsonElement values, IReadOnlyList<TraceType> types, JsonElement shapes, JsonElement strides)
    {
        var items = new TracedValue[values.GetArrayLength()];
        var (v, s, r) = (values.EnumerateArray(), shapes.EnumerateArray(), strides.EnumerateArray());
        for (var i = 0; i < items.Length; i++)
            items[i] = Value(Next(ref v), types[i], Next(ref s), Next(ref r));
        return new TracedList(items);
    }

    private static long[] Integers(JsonElement list)
    {
        var read = new long[list.GetArrayLength()];
        var next = 0;
        foreach (var item in list.EnumerateArray())
            read[next++] = item.GetInt64();
        return read;
    }

    private TraceType Type(JsonElement text)
    {
        var shared = Shared(text);
        return _types.TryGetValue(shared, out var type) ? type : _types[shared] = TraceType.Parse(shared);
    }

    // Names and schemas recur thousands of times.
    private string Shared(JsonElement text)
    {
        var read = text.GetString()!;
        return _texts.TryGetValue(read, out var shared) ? shared : _texts[read] = read;
    }
}
