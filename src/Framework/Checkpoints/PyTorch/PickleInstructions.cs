namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>What each instruction of a pickle does, by its code.</summary>
/// <remarks>Codes: Python's Lib/pickletools.py.</remarks>
internal static class PickleInstructions
{
    private static readonly Action<PickleReader>?[] s_all = All();

    /// <returns>null: there is no such instruction.</returns>
    public static Action<PickleReader>? Of(byte code) => s_all[code];

    private static Action<PickleReader>?[] All()
    {
        var all = new Action<PickleReader>?[256];
        AddFrame(all);
        AddNumbers(all);
        AddTexts(all);
        AddContainers(all);
        AddMemo(all);
        AddCalls(all);
        AddRefused(all);
        return all;
    }

    private static void AddFrame(Action<PickleReader>?[] all)
    {
        all[0x80] = p => // PROTO
        {
            if (p.Bytes.Byte() is < 2 or > 5)
                throw p.Bad("its protocol is not 2 to 5");
        };
        all[0x95] = p => p.Bytes.Take(8); // FRAME
        all['('] = p => p.Stack.PushMark();
        all['0'] = p => p.Stack.Pop();
        all['1'] = p => p.Stack.PopMark();
        all['2'] = p => p.Stack.Push(p.Stack.Peek());
    }

    private static void AddNumbers(Action<PickleReader>?[] all)
    {
        all['N'] = p => p.Stack.Push(null);
        all[0x88] = p => p.Stack.Push(true);
        all[0x89] = p => p.Stack.Push(false);
        all['K'] = p => p.Stack.Push((long)p.Bytes.Byte());
        all['M'] = p => p.Stack.Push((long)p.Bytes.UInt16());
        all['J'] = p => p.Stack.Push((long)p.Bytes.Int32());
        all[0x8A] = p => p.Stack.Push(p.Bytes.Integer(p.Bytes.Byte()));
        all[0x8B] = p => p.Stack.Push(p.Bytes.Integer(p.Bytes.Int32()));
        all['G'] = p => p.Stack.Push(p.Bytes.Double());
        all['I'] = p => p.Stack.Push(p.Bytes.TextInteger());
        all['L'] = p => p.Stack.Push(p.Bytes.TextInteger());
        all['F'] = p => p.Stack.Push(p.Bytes.TextReal());
    }

    private static void AddTexts(Action<PickleReader>?[] all)
    {
        all['X'] = p => p.Stack.Push(p.Bytes.Text(p.Bytes.Length4()));
        all[0x8C] = p => p.Stack.Push(p.Bytes.Text(p.Bytes.Byte()));
        all[0x8D] = p => p.Stack.Push(p.Bytes.Text(p.Bytes.Length8()));
        all['T'] = p => p.Stack.Push(p.Bytes.Latin(p.Bytes.Length4()));
        all['U'] = p => p.Stack.Push(p.Bytes.Latin(p.Bytes.Byte()));
        all['B'] = p => p.Stack.Push(p.Bytes.Take(p.Bytes.Length4()).ToArray());
        all['C'] = p => p.Stack.Push(p.Bytes.Take(p.Bytes.Byte()).ToArray());
        all[0x8E] = p => p.Stack.Push(p.Bytes.Take(p.Bytes.Length8()).ToArray());
        all[0x96] = p => p.Stack.Push(p.Bytes.Take(p.Bytes.Length8()).ToArray());
    }

    private static void AddContainers(Action<PickleReader>?[] all)
    {
        all[']'] = p => p.Stack.Push(new List<object?>());
        all['}'] = p => p.Stack.Push(new PickleDict());
        all[')'] = p => p.Stack.Push(PickleTuple.Empty);
        all[0x8F] = p => p.Stack.Push(new PickleOpaque("a set"));
        all['l'] = p => p.Stack.Push(p.Stack.PopMark().ToList());
        all['t'] = p => p.Stack.Push(new PickleTuple(p.Stack.PopMark()));
        all[0x85] = p => p.Stack.Push(new PickleTuple(p.Stack.Pop(1)));
        all[0x86] = p => p.Stack.Push(new PickleTuple(p.Stack.Pop(2)));
        all[0x87] = p => p.Stack.Push(new PickleTuple(p.Stack.Pop(3)));
        all[0x91] = p =>
        {
            p.Stack.PopMark();
            p.Stack.Push(new PickleOpaque("a frozenset"));
        };
        all['d'] = p =>
        {
            var items = p.Stack.PopMark();
            p.Stack.Push(new PickleDict());
            p.Stack.Fill(items);
        };
        all['s'] = p => p.Stack.Fill(p.Stack.Pop(2));
        all['u'] = p => p.Stack.Fill(p.Stack.PopMark());
        all['a'] = p => p.Stack.Append(p.Stack.Pop(1));
        all['e'] = p => p.Stack.Append(p.Stack.PopMark());
        all[0x90] = p => p.Stack.AddToSet();
    }

    private static void AddMemo(Action<PickleReader>?[] all)
    {
        all['q'] = p => p.Stack.Memorize(p.Bytes.Byte());
        all['r'] = p => p.Stack.Memorize(p.Bytes.UInt32());
        all[0x94] = p => p.Stack.Memorize(p.Stack.Memorized);
        all['p'] = p => p.Stack.Memorize(p.Bytes.TextIndex());
        all['h'] = p => p.Stack.Recall(p.Bytes.Byte());
        all['j'] = p => p.Stack.Recall(p.Bytes.UInt32());
        all['g'] = p => p.Stack.Recall(p.Bytes.TextIndex());
    }

    private static void AddCalls(Action<PickleReader>?[] all)
    {
        all['c'] = p => p.PushGlobal(p.Bytes.Line(), p.Bytes.Line());
        all[0x93] = p => p.PushStackedGlobal();
        all['Q'] = p => p.PushStorage();
        all['R'] = p => p.Call();
        all[0x81] = p => p.Call(); // NEWOBJ
        all[0x92] = p => p.CallNamed(); // NEWOBJ_EX
        all['b'] = p => p.SetState();
        all['i'] = p => p.CallMarked(p.Global(p.Bytes.Line(), p.Bytes.Line()), p.Stack.PopMark()); // INST
        all['o'] = p => // OBJ
        {
            var items = p.Stack.PopMark();
            p.CallMarked(items.FirstOrDefault(), items.Skip(1));
        };
    }

    private static void AddRefused(Action<PickleReader>?[] all)
    {
        all[0x82] = p => throw p.Refused($"the extension registry (EXT1 {p.Bytes.Byte()})");
        all[0x83] = p => throw p.Refused("the extension registry (EXT2)");
        all[0x84] = p => throw p.Refused("the extension registry (EXT4)");
        all['P'] = p => throw p.Refused("a persistent id in text (PERSID)");
        all[0x97] = all[0x98] = p => throw p.Refused("buffers outside the pickle (NEXT_BUFFER)");
        all['S'] = all['V'] = p => throw p.Refused("strings in the form of protocol 0");
    }
}
