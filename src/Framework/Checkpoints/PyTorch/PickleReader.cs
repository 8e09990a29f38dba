namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>
/// Reads a pickle, protocols 2 to 5, without executing anything: instructions (<see cref="PickleInstructions"/>) build plain values;
/// a global is a name (see <see cref="PickleGlobals"/>); "calling" one is a case in <see cref="PickleCalls"/>, or gives an object
/// without content.
/// </summary>
/// <param name="file">For messages.</param>
/// <param name="bytes">The pickle, and whatever follows it.</param>
/// <param name="storageOf">Answers a persistent id, for tensors' storages.</param>
internal sealed class PickleReader(FileBytes file, ReadOnlyMemory<byte> bytes, Func<object?, object?> storageOf)
{
    /// <summary>A checkpoint takes some 45 a tensor.</summary>
    private const int MaxInstructions = 8_000_000;

    private const int MaxStack = 1_000_000;

    private readonly PickleCalls _calls = new(file);

    /// <summary>What is read from.</summary>
    public PickleBytes Bytes { get; } = new(file, bytes);

    /// <summary>What the instructions work on.</summary>
    public PickleStack Stack { get; } = new(file);

    /// <summary>Where the next unread byte lies.</summary>
    public int Position => Bytes.Position;

    /// <summary>Reads one pickle, up to its STOP.</summary>
    /// <exception cref="UserErrorException">It is damaged, or asks for what weights don't need.</exception>
    public object? Read()
    {
        Stack.Clear();
        for (var count = 0; ; count++)
        {
            if (count == MaxInstructions)
                throw Bad($"it has more than {MaxInstructions} instructions");
            if (Stack.Count > MaxStack)
                throw Bad($"it stacks more than {MaxStack} values");
            var opcode = Bytes.Byte();
            if (opcode == '.')
                return Stack.IsOneValue ? Stack.Peek() : throw Bad("its end is reached with values left over");
            var execute = PickleInstructions.Of(opcode) ?? throw Bad($"there is no pickle instruction 0x{opcode:X2} (at {Position - 1})");
            execute(this);
        }
    }

    /// <summary>A name that the file asks for, if weights need it.</summary>
    public void PushGlobal(string module, string name) => Stack.Push(Global(module, name));

    /// <summary>The same, of a module's and a name's text on the stack.</summary>
    public void PushStackedGlobal()
    {
        var name = Stack.Pop();
        Stack.Push(Stack.Pop() is string module && name is string text ? Global(module, text) : throw Bad("a name is no text"));
    }

    /// <summary>A storage, by the id on the stack.</summary>
    public void PushStorage() => Stack.Push(storageOf(Stack.Pop()));

    /// <summary>"Calls" a global: both lie on the stack, the arguments above.</summary>
    public void Call()
    {
        var arguments = Stack.Pop();
        Stack.Push(_calls.Call(Stack.Pop(), arguments));
    }

    /// <summary>"Calls" a global with what came after the last mark.</summary>
    public void CallMarked(object? callee, IEnumerable<object?> arguments) =>
        Stack.Push(_calls.Call(callee, new PickleTuple([.. arguments])));

    /// <summary>"Calls" a global with named arguments, which only an object without content may have.</summary>
    public void CallNamed()
    {
        var named = Stack.Pop();
        var arguments = Stack.Pop();
        var callee = Stack.Pop();
        if (named is not PickleDict { Count: 0 } && callee is not PickleGlobal { Call: PickleCall.Object })
            throw Refused("a call with named arguments (NEWOBJ_EX)");
        Stack.Push(_calls.Call(callee, arguments));
    }

    /// <summary>Gives an object its state, which lies above it.</summary>
    public void SetState()
    {
        var state = Stack.Pop();
        _calls.SetState(Stack.Peek(), state);
    }

    public PickleGlobal Global(string module, string name)
    {
        var full = module + "." + name;
        return PickleGlobals.Find(module, name) ?? throw WeightsFileErrors.RefusedGlobal(file, Shorten(full), PickleGlobals.Hint(full));
    }

    public UserErrorException Refused(string what) => WeightsFileErrors.RefusedOpcode(file, what);

    public UserErrorException Bad(string why) => WeightsFileErrors.BadPickle(file, why);

    // A name comes from a stranger's file into a terminal.
    private static string Shorten(string name)
    {
        var clean = string.Concat(name.Take(120).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter));
        return clean.Length < name.Length ? clean + "…" : clean;
    }
}
