using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>
/// Reads a pickle, protocols 2 to 5, without executing anything: opcodes build plain values; a global is a name
/// (see <see cref="PickleGlobals"/>); "calling" one is a case in <see cref="PickleCalls"/>, or gives an object without content.
/// </summary>
/// <remarks>Opcodes: Python's Lib/pickletools.py.</remarks>
/// <param name="file">For messages.</param>
/// <param name="bytes">The pickle, and whatever follows it.</param>
/// <param name="storageOf">Answers a persistent id, for tensors' storages.</param>
internal sealed class PickleReader(FileBytes file, ReadOnlyMemory<byte> bytes, Func<object?, object?> storageOf)
{
    /// <summary>A checkpoint takes some 45 opcodes a tensor.</summary>
    private const int MaxOpcodes = 8_000_000;

    private const int MaxStack = 1_000_000;

    private const int MaxMemo = 2_000_000;

    private const int MaxNumberBytes = 64;

    private static readonly object Mark = new();

    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private readonly List<int> _marks = [];
    private readonly PickleCalls _calls = new(file);

    /// <summary>Where the next unread byte lies.</summary>
    public int Position { get; private set; }

    /// <summary>Reads one pickle, up to its STOP.</summary>
    /// <exception cref="UserErrorException">It is damaged, or asks for what weights don't need.</exception>
    public object? Read()
    {
        _stack.Clear();
        _memo.Clear();
        _marks.Clear();
        for (var count = 0; ; count++)
        {
            if (count == MaxOpcodes)
                throw Bad($"it has more than {MaxOpcodes} instructions");
            if (_stack.Count > MaxStack)
                throw Bad($"it stacks more than {MaxStack} values");
            var opcode = Byte();
            if (opcode == '.')
                return _stack.Count == 1 && _marks.Count == 0 ? _stack[0] : throw Bad("its end is reached with values left over");
            Execute(opcode);
        }
    }

    private void Execute(byte opcode)
    {
        switch (opcode)
        {
            case 0x80:
                if (Byte() is < 2 or > 5)
                    throw Bad("its protocol is not 2 to 5");
                break;
            case 0x95:
                Skip8();
                break; // FRAME
            case (byte)'(':
                _marks.Add(_stack.Count);
                Push(Mark);
                break;
            case (byte)'0':
                Pop();
                break;
            case (byte)'1':
                PopMark();
                break;
            case (byte)'2':
                Push(Peek());
                break;

            case (byte)'N':
                Push(null);
                break;
            case 0x88:
                Push(true);
                break;
            case 0x89:
                Push(false);
                break;
            case (byte)'K':
                Push((long)Byte());
                break;
            case (byte)'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case (byte)'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case 0x8A:
                PushInteger(Byte());
                break;
            case 0x8B:
                PushInteger(BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            case (byte)'I':
                Push(TextInteger());
                break;
            case (byte)'L':
                Push(TextInteger());
                break;
            case (byte)'F':
                Push(
                    double.TryParse(Line(), NumberStyles.Float, CultureInfo.InvariantCulture, out var real)
                        ? real
                        : throw Bad("a number can't be read")
                );
                break;

            case (byte)'X':
                Push(Text(Length4()));
                break;
            case 0x8C:
                Push(Text(Byte()));
                break;
            case 0x8D:
                Push(Text(Length8()));
                break;
            case (byte)'T':
                Push(Encoding.Latin1.GetString(Take(Length4())));
                break; // strings of Python 2
            case (byte)'U':
                Push(Encoding.Latin1.GetString(Take(Byte())));
                break;
            case (byte)'B':
                Push(Take(Length4()).ToArray());
                break;
            case (byte)'C':
                Push(Take(Byte()).ToArray());
                break;
            case 0x8E:
                Push(Take(Length8()).ToArray());
                break;
            case 0x96:
                Push(Take(Length8()).ToArray());
                break;

            case (byte)']':
                Push(new List<object?>());
                break;
            case (byte)'}':
                Push(new PickleDict());
                break;
            case (byte)')':
                Push(PickleTuple.Empty);
                break;
            case 0x8F:
                Push(new PickleOpaque("a set"));
                break;
            case (byte)'l':
                Push(PopMark().ToList());
                break;
            case (byte)'t':
                Push(new PickleTuple(PopMark()));
                break;
            case 0x85:
                Push(new PickleTuple([Pop()]));
                break;
            case 0x86:
                PushTuple(2);
                break;
            case 0x87:
                PushTuple(3);
                break;
            case 0x91:
                PopMark();
                Push(new PickleOpaque("a frozenset"));
                break;
            case (byte)'d':
            {
                var items = PopMark();
                Push(new PickleDict());
                Fill(items);
                break;
            }
            case (byte)'s':
            {
                var value = Pop();
                var key = Pop();
                Fill([key, value]);
                break;
            }
            case (byte)'u':
                Fill(PopMark());
                break;
            case (byte)'a':
                Append([Pop()]);
                break;
            case (byte)'e':
                Append(PopMark());
                break;
            case 0x90:
                PopMark();
                if (Peek() is not (PickleOpaque or PickleDict { Of: not null }))
                    throw Bad("values are added to what is no set");
                break;

            case (byte)'q':
                Put(Byte());
                break;
            case (byte)'r':
                Put(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                break;
            case 0x94:
                Put(_memo.Count);
                break;
            case (byte)'h':
                Get(Byte());
                break;
            case (byte)'j':
                Get(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                break;
            case (byte)'p':
                Put(Index(Line()));
                break;
            case (byte)'g':
                Get(Index(Line()));
                break;

            case (byte)'c':
            {
                var module = Line();
                Push(Global(module, Line()));
                break;
            }
            case 0x93:
            {
                var name = Pop();
                Push(Pop() is string module && name is string text ? Global(module, text) : throw Bad("a name is no text"));
                break;
            }
            case (byte)'Q':
                Push(storageOf(Pop()));
                break;
            case (byte)'R':
            {
                var arguments = Pop();
                Push(_calls.Call(Pop(), arguments));
                break;
            }
            case 0x81:
            {
                var arguments = Pop();
                Push(_calls.Call(Pop(), arguments));
                break;
            } // NEWOBJ
            case 0x92: // NEWOBJ_EX
            {
                var named = Pop();
                var arguments = Pop();
                var callee = Pop();
                if (named is not PickleDict { Count: 0 } && callee is not PickleGlobal { Call: PickleCall.Object })
                    throw CheckpointErrors.RefusedOpcode(file, "a call with named arguments (NEWOBJ_EX)");
                Push(_calls.Call(callee, arguments));
                break;
            }
            case (byte)'b':
            {
                var state = Pop();
                _calls.SetState(Peek(), state);
                break;
            }

            case (byte)'i':
            {
                var module = Line();
                var callee = Global(module, Line());
                Push(_calls.Call(callee, new PickleTuple(PopMark())));
                break;
            } // INST
            case (byte)'o':
            {
                var items = PopMark();
                Push(_calls.Call(items.FirstOrDefault(), new PickleTuple([.. items.Skip(1)])));
                break;
            } // OBJ
            case 0x82:
                throw CheckpointErrors.RefusedOpcode(file, $"the extension registry (EXT1 {Byte()})");
            case 0x83:
                throw CheckpointErrors.RefusedOpcode(file, "the extension registry (EXT2)");
            case 0x84:
                throw CheckpointErrors.RefusedOpcode(file, "the extension registry (EXT4)");
            case (byte)'P':
                throw CheckpointErrors.RefusedOpcode(file, "a persistent id in text (PERSID)");
            case 0x97 or 0x98:
                throw CheckpointErrors.RefusedOpcode(file, "buffers outside the pickle (NEXT_BUFFER)");
            case (byte)'S' or (byte)'V':
                throw CheckpointErrors.RefusedOpcode(file, "strings in the form of protocol 0");
            default:
                throw Bad($"there is no pickle instruction 0x{opcode:X2} (at {Position - 1})");
        }
    }

    private PickleGlobal Global(string module, string name)
    {
        var full = module + "." + name;
        return PickleGlobals.Find(module, name) ?? throw CheckpointErrors.RefusedGlobal(file, Shorten(full), PickleGlobals.Hint(full));
    }

    // A name comes from a stranger's file into a terminal.
    private static string Shorten(string name)
    {
        var clean = string.Concat(name.Take(120).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter));
        return clean.Length < name.Length ? clean + "…" : clean;
    }

    private void Fill(ReadOnlySpan<object?> items)
    {
        if (items.Length % 2 != 0)
            throw Bad("a key has no value");
        if (Peek() is not PickleDict dict)
        {
            if (Peek() is PickleOpaque)
                return;
            throw Bad("entries are added to what is no dict");
        }
        for (var i = 0; i < items.Length; i += 2)
            dict.Add(items[i], items[i + 1]);
    }

    private void Append(ReadOnlySpan<object?> items)
    {
        if (Peek() is PickleOpaque or PickleDict { Of: not null })
            return;
        if (Peek() is not List<object?> list)
            throw Bad("values are added to what is no list");
        list.AddRange(items);
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack.Count > 0 && !ReferenceEquals(_stack[^1], Mark) ? _stack[^1] : throw Bad("it takes more than it has");

    private object? Pop()
    {
        var value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopMark()
    {
        if (_marks.Count == 0)
            throw Bad("a mark is missing");
        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        var items = _stack.GetRange(start + 1, _stack.Count - start - 1).ToArray();
        _stack.RemoveRange(start, _stack.Count - start);
        return items;
    }

    private void PushTuple(int count)
    {
        var items = new object?[count];
        while (count > 0)
            items[--count] = Pop();
        Push(new PickleTuple(items));
    }

    private void Put(long index)
    {
        _memo[index] = Peek();
        if (_memo.Count > MaxMemo)
            throw Bad($"it remembers more than {MaxMemo} values");
    }

    private void Get(long index) =>
        Push(_memo.TryGetValue(index, out var value) ? value : throw Bad("it recalls what it never remembered"));

    private long Index(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : throw Bad("an index can't be read");

    private byte Byte() => Take(1)[0];

    private void Skip8() => Take(8);

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || count > bytes.Length - Position)
            throw CheckpointErrors.Truncated(file, "the pickle");
        var taken = bytes.Span.Slice(Position, count);
        Position += count;
        return taken;
    }

    private int Length4()
    {
        var length = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
        return length <= int.MaxValue ? (int)length : throw CheckpointErrors.Truncated(file, "the pickle");
    }

    private int Length8()
    {
        var length = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return length <= int.MaxValue ? (int)length : throw CheckpointErrors.Truncated(file, "the pickle");
    }

    private void PushInteger(int length)
    {
        if (length is < 0 or > MaxNumberBytes)
            throw Bad($"a number of {length} bytes");
        var value = new BigInteger(Take(length));
        if (value >= long.MinValue && value <= long.MaxValue)
            Push((long)value);
        else
            Push(value);
    }

    private object TextInteger()
    {
        var text = Line().TrimEnd('L');
        return text switch
        {
            "00" => false,
            "01" => true,
            _ => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
                ? value
                : throw Bad("a number can't be read"),
        };
    }

    private string Text(int length) => Encoding.UTF8.GetString(Take(length));

    private string Line()
    {
        var rest = bytes.Span[Position..];
        var length = rest[..Math.Min(rest.Length, 1024)].IndexOf((byte)'\n');
        if (length < 0)
            throw Bad("a line has no end");
        Position += length + 1;
        return Encoding.UTF8.GetString(rest[..length]);
    }

    private UserErrorException Bad(string why) => CheckpointErrors.BadPickle(file, why);
}
