namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>The values that a pickle's instructions work on: a stack with marks, and a memo of values that come again.</summary>
/// <param name="file">For messages.</param>
internal sealed class PickleStack(FileBytes file)
{
    private const int MaxMemo = 2_000_000;

    private static readonly object s_mark = new();

    private readonly List<object?> _values = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];

    public int Count => _values.Count;

    /// <summary>How many values the memo holds.</summary>
    public int Memorized => _memo.Count;

    /// <summary>Whether one value is left, and no mark.</summary>
    public bool IsOneValue => _values.Count == 1 && _marks.Count == 0;

    public void Clear()
    {
        _values.Clear();
        _marks.Clear();
        _memo.Clear();
    }

    public void Push(object? value) => _values.Add(value);

    public object? Peek() =>
        _values.Count > 0 && !ReferenceEquals(_values[^1], s_mark) ? _values[^1] : throw Bad("it takes more than it has");

    public object? Pop()
    {
        var value = Peek();
        _values.RemoveAt(_values.Count - 1);
        return value;
    }

    /// <summary>The last so many values, in the order they came.</summary>
    public object?[] Pop(int count)
    {
        var items = new object?[count];
        while (count > 0)
            items[--count] = Pop();
        return items;
    }

    public void PushMark()
    {
        _marks.Add(_values.Count);
        Push(s_mark);
    }

    /// <summary>What came after the last mark; the mark goes too.</summary>
    public object?[] PopMark()
    {
        if (_marks.Count == 0)
            throw Bad("a mark is missing");
        var start = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        var items = _values.GetRange(start + 1, _values.Count - start - 1).ToArray();
        _values.RemoveRange(start, _values.Count - start);
        return items;
    }

    /// <summary>Puts the last value into the memo.</summary>
    public void Memorize(long index)
    {
        _memo[index] = Peek();
        if (_memo.Count > MaxMemo)
            throw Bad($"it remembers more than {MaxMemo} values");
    }

    public void Recall(long index) =>
        Push(_memo.TryGetValue(index, out var value) ? value : throw Bad("it recalls what it never remembered"));

    /// <summary>Adds keys and values, by turns, to the last value.</summary>
    public void Fill(ReadOnlySpan<object?> items)
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

    /// <summary>Adds values to the last value, a list.</summary>
    public void Append(ReadOnlySpan<object?> items)
    {
        if (Peek() is PickleOpaque or PickleDict { Of: not null })
            return;
        if (Peek() is not List<object?> list)
            throw Bad("values are added to what is no list");
        list.AddRange(items);
    }

    /// <summary>Drops values that are added to the last value, a set, whose content nothing asks for.</summary>
    public void AddToSet()
    {
        PopMark();
        if (Peek() is not (PickleOpaque or PickleDict { Of: not null }))
            throw Bad("values are added to what is no set");
    }

    private UserErrorException Bad(string why) => WeightsFileErrors.BadPickle(file, why);
}
