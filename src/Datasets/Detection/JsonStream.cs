using System.Globalization;
using System.Text.Json;

namespace Tessera.Datasets.Detection;

/// <summary>Reads JSON token by token from a file of any length, in a small buffer; mistakes come with the file's name and line.</summary>
internal ref struct JsonStream
{
    private const int FirstBuffer = 1 << 16,
        MaxToken = 1 << 26;

    private readonly Stream _stream;
    private readonly string _path;
    private byte[] _buffer;
    private int _count;
    private long _lines; // before the buffer
    private bool _ended;
    private Utf8JsonReader _reader;

    public JsonStream(Stream stream, string path)
    {
        (_stream, _path, _buffer) = (stream, path, new byte[FirstBuffer]);
        Fill();
        if (_buffer.AsSpan(0, _count) is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..] or [0, ..] or [_, 0, ..])
            throw new UserErrorException($"{path} is written in UTF-16 or UTF-32; JSON is UTF-8. Save it anew as UTF-8.");
        var start = _buffer.AsSpan(0, _count).StartsWith("\uFEFF"u8) ? 3 : 0;
        _buffer.AsSpan(start, _count - start).CopyTo(_buffer);
        _count -= start;
        _reader = new Utf8JsonReader(
            _buffer.AsSpan(0, _count),
            _ended,
            new JsonReaderState(new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })
        );
    }

    /// <summary>The list that is read, and which of its entries, from 0; null where none is. In one long line, which many files are, no
    /// line number tells the place.</summary>
    public (string List, int Index)? Entry { get; set; }

    public readonly JsonTokenType Type => _reader.TokenType;

    /// <summary>The line of the token, from 1.</summary>
    public readonly long Line => _lines + _buffer.AsSpan(0, (int)_reader.TokenStartIndex).Count((byte)'\n') + 1;

    public bool Read()
    {
        try
        {
            while (!_reader.Read())
            {
                if (_ended)
                    return false;
                Refill();
            }
            return true;
        }
        catch (JsonException e)
        {
            var hint =
                e.Message.StartsWith("'N'", StringComparison.Ordinal) || e.Message.StartsWith("'I'", StringComparison.Ordinal)
                    ? " JSON has neither NaN nor Infinity, though Python writes them."
                    : "";
            var place = Entry is var (list, index) ? $" ({list}[{index}])" : "";
            throw new UserErrorException($"{_path}:{(e.LineNumber ?? 0) + 1}  not JSON{place}: {e.Message}{hint}", e);
        }
    }

    /// <summary>Goes to the next token, which must be there.</summary>
    public void Next()
    {
        if (!Read())
            throw Error("the file ends too soon.");
    }

    /// <summary>Passes over the value that begins here, with all it holds.</summary>
    public void Skip()
    {
        if (Type == JsonTokenType.PropertyName)
            Next();
        if (Type is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            return;
        for (var depth = 1; depth > 0; )
        {
            Next();
            if (Type is JsonTokenType.StartObject or JsonTokenType.StartArray)
                depth++;
            else if (Type is JsonTokenType.EndObject or JsonTokenType.EndArray)
                depth--;
        }
    }

    public readonly bool IsName(ReadOnlySpan<byte> name) => _reader.ValueTextEquals(name);

    public readonly string Text(string what)
    {
        try
        {
            return Type == JsonTokenType.String ? _reader.GetString()! : throw Error($"{what} must be text.");
        }
        catch (InvalidOperationException)
        {
            throw Error($"{what} is not valid UTF-8.");
        }
    }

    /// <summary>A whole number, also one written as text.</summary>
    public long Whole(string what)
    {
        if (
            Type == JsonTokenType.Number
            && (_reader.TryGetInt64(out var value) || (_reader.TryGetDouble(out var real) && real == (value = (long)real)))
        )
            return value;
        if (Type != JsonTokenType.String)
            throw Error($"{what} must be a whole number.");
        var text = Text(what);
        if (!long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value))
            throw Error($"{what} must be a whole number; it is \"{(text.Length > 40 ? text[..40] + "…" : text)}\".");
        TellTextNumber();
        return value;
    }

    /// <summary><see cref="Whole"/> of the next token.</summary>
    public long NextWhole(string what)
    {
        Next();
        return Whole(what);
    }

    /// <summary><see cref="Text"/> of the next token.</summary>
    public string NextText(string what)
    {
        Next();
        return Text(what);
    }

    /// <summary><see cref="Number"/> of the next value, which is passed over.</summary>
    public double NextNumber()
    {
        Next();
        var value = Number();
        Skip();
        return value;
    }

    /// <summary><see cref="Flag"/> of the next value, which is passed over.</summary>
    public bool NextFlag(string what)
    {
        Next();
        var value = Flag(what);
        Skip();
        return value;
    }

    /// <summary>Numbers that were written as text so far.</summary>
    public long TextNumbers { get; private set; }

    /// <summary>The line of the first of them.</summary>
    public long FirstTextNumber { get; private set; }

    /// <summary>A number, also one written as text; not a number where the token is none.</summary>
    public double Number()
    {
        if (Type == JsonTokenType.Number && _reader.TryGetDouble(out var value))
            return value;
        if (
            Type != JsonTokenType.String
            || _reader.HasValueSequence
            || _reader.ValueSpan.Length > 64
            || !double.TryParse(_reader.ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture, out value)
        )
            return double.NaN;
        TellTextNumber();
        return value;
    }

    private void TellTextNumber()
    {
        if (TextNumbers++ == 0)
            FirstTextNumber = Line;
    }

    /// <summary>True, a number but 0, or one of them as text.</summary>
    /// <exception cref="UserErrorException">It is a text that is neither.</exception>
    public bool Flag(string what)
    {
        if (Type != JsonTokenType.String)
            return Type == JsonTokenType.True || (Type == JsonTokenType.Number && Number() != 0);
        var text = Text(what).Trim();
        if (bool.TryParse(text, out var flag))
            return flag;
        if (text.Length == 0)
            return false;
        return Number() is var value && double.IsFinite(value) ? value != 0 : throw Error($"{what} is \"{text}\"; 0 or 1 was expected.");
    }

    public readonly UserErrorException Error(string what) => new($"{_path}:{Line}  {Place}{what}");

    private readonly string Place => Entry is var (list, index) ? $"{list}[{index}]: " : "";

    private void Refill()
    {
        var used = (int)_reader.BytesConsumed;
        var state = _reader.CurrentState;
        _lines += _buffer.AsSpan(0, used).Count((byte)'\n');
        var left = _count - used;
        var target = _buffer;
        if (left > _buffer.Length / 2)
        {
            if (_buffer.Length >= MaxToken)
                throw new UserErrorException($"{_path}:{_lines + 1}  a single value of more than {MaxToken >> 21} MiB.");
            target = new byte[2 * _buffer.Length];
        }
        _buffer.AsSpan(used, left).CopyTo(target);
        (_buffer, _count) = (target, left);
        Fill();
        _reader = new Utf8JsonReader(_buffer.AsSpan(0, _count), _ended, state);
    }

    private void Fill()
    {
        var read = _stream.ReadAtLeast(_buffer.AsSpan(_count), _buffer.Length - _count, throwOnEndOfStream: false);
        _count += read;
        _ended = _count < _buffer.Length;
    }
}
