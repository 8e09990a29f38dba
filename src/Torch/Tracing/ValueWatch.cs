using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tessera.Torch.Loading;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>Sees the arguments of the operators that a program calls on this thread while they run: numbers in full, and the values of
/// those tensors that neither depend on given inputs nor are known by themselves.</summary>
/// <remarks>Memory is read by libtorch's own layout of its records, which is tried on operators whose arguments are known before it is
/// trusted.</remarks>
internal sealed unsafe class ValueWatch : IDisposable
{
    private const int ValueSize = 16; // of an IValue: eight bytes, and a tag
    private const int TagOfTensor = 1,
        TagOfDouble = 3,
        TagOfList = 14;
    private const int ItemsOfList = 16; // behind the table of functions and the count of references
    private const long LargestCopy = 1L << 31;
    private static readonly int s_inputs = OperatingSystem.IsMacOS() ? 200 : 208;
    private static readonly int s_outputs =
        OperatingSystem.IsMacOS() ? 256
        : OperatingSystem.IsWindows() ? 288
        : 280;

    [ThreadStatic]
    private static ValueWatch? t_watch;

    private readonly WatchFunctions _functions;
    private readonly Dictionary<nint, List<(int Index, WatchedTensor Tensor)>> _known = [];
    private readonly HashSet<nint> _dependent = []; // memory
    private readonly Dictionary<nint, int> _given = [];
    private readonly ulong _handle;
    private int _depth;
    private Exception? _error;

    /// <param name="inputs">What depends on them is not copied.</param>
    /// <param name="known">Are not copied, but told by their place in this list.</param>
    public ValueWatch(WatchFunctions functions, IReadOnlyList<Tensor> inputs, IReadOnlyList<Tensor> known)
    {
        _functions = functions;
        for (var i = 0; i < known.Count; i++)
            if (Of(known[i]) is { } tensor)
                (CollectionsMarshal.GetValueRefOrAddDefault(_known, tensor.Storage, out _) ??= []).Add((i, tensor));
        for (var i = 0; i < inputs.Count; i++)
            if (Of(inputs[i]) is { } tensor)
            {
                _dependent.Add(tensor.Storage);
                _given[tensor.Data] = i;
            }
        t_watch = this;
        var callback = new RecordedCallback
        {
            Start = (nint)(delegate* unmanaged<nint*, nint, nint*>)&Started,
            End = (nint)(delegate* unmanaged<nint, nint, void>)&Ended,
            Probability = 1,
            NeedsInputs = 1,
            NeedsOutputs = 1,
        };
        callback.InScope[0] = 1;
        _handle = functions.Add(callback);
    }

    /// <summary>What the program called, in order.</summary>
    public List<WatchedOperator> Operators { get; } = [];

    /// <summary>Whether libtorch's records are laid out as expected.</summary>
    public static bool Works(WatchFunctions functions)
    {
        using var scope = NewDisposeScope();
        var (first, second, known) = (zeros(2, 3), ones(2, 3), ones(3));
        using var watch = new ValueWatch(functions, [first], [known]);
        _ = cat([first, second], 1).add(known.repeat(2), 0.123456789).max(1);
        watch.Dispose();
        var (join, add) = (watch.Find("aten::cat"), watch.Find("aten::add"));
        return watch._error is null
            && join?.Inputs[0]
                is WatchedList { Items: [WatchedArgument { Given: 0 }, WatchedArgument { Dependent: false, Data: { } values }] }
            && MemoryMarshal.Cast<byte, float>(values).SequenceEqual([1f, 1, 1, 1, 1, 1])
            && add?.Inputs
                is [
                    WatchedArgument { Dependent: true, Given: null },
                    WatchedArgument { Data: not null },
                    WatchedNumber { Value: 0.123456789 },
                ]
            && watch.Find("aten::repeat")?.Inputs[0] is WatchedArgument { Known: 0, Data: null }
            && watch.Find("aten::max") is { Outputs: 2 };
    }

    /// <exception cref="InvalidOperationException">What libtorch told could not be read.</exception>
    public void RequireNoError()
    {
        if (_error is not null)
            throw new InvalidOperationException($"libtorch's record of an operator can't be read: {_error.Message}", _error);
    }

    public void Dispose()
    {
        if (t_watch != this)
            return;
        t_watch = null;
        _functions.Remove(_handle);
    }

    private WatchedOperator? Find(string name) => Operators.Find(seen => seen.Name == name);

    private WatchedTensor? Of(Tensor tensor)
    {
        var handle = tensor.Handle;
        return _functions.Tensor(handle);
    }

    // C++ gets an object back through an address that it gives.
    [UnmanagedCallersOnly]
    private static nint* Started(nint* context, nint record)
    {
        *context = 0;
        if (t_watch is { _error: null } watch && watch._depth++ == 0)
            watch.Try(() => watch.Operators.Add(watch.Read(record)));
        return context;
    }

    [UnmanagedCallersOnly]
    private static void Ended(nint record, nint context)
    {
        if (t_watch is { _error: null } watch && --watch._depth == 0)
            watch.Try(() => watch.End(record));
    }

    // No exception may leave for C++.
    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            _error = e;
        }
    }

    private WatchedOperator Read(nint record)
    {
        var (begin, count) = (*(nint*)(record + s_inputs), *(nint*)(record + s_inputs + 8));
        if (count != _functions.Inputs(record))
            throw new InvalidOperationException("the number of its arguments isn't where it was expected");
        var inputs = new WatchedValue[count];
        for (var i = 0; i < count; i++)
            inputs[i] = Value(begin + (i * ValueSize));
        return new WatchedOperator(_functions.Name(record), inputs);
    }

    private WatchedValue Value(nint at)
    {
        switch (*(int*)(at + 8))
        {
            case TagOfTensor when _functions.Tensor(at) is { } tensor:
                return Argument(tensor);
            case TagOfDouble:
                return new WatchedNumber(*(double*)at);
            case TagOfList when *(nint*)at is not 0 and var list:
                var (begin, end) = (*(nint*)(list + ItemsOfList), *(nint*)(list + ItemsOfList + 8));
                var items = new WatchedValue[(end - begin) / ValueSize];
                for (var i = 0; i < items.Length; i++)
                    items[i] = Value(begin + (i * ValueSize));
                return new WatchedList(items);
            default:
                return WatchedValue.Other;
        }
    }

    private WatchedArgument Argument(WatchedTensor tensor)
    {
        if (_dependent.Contains(tensor.Storage))
            return new WatchedArgument(true) { Given = _given.TryGetValue(tensor.Data, out var given) ? given : null };
        int? within = null;
        if (_known.TryGetValue(tensor.Storage, out var owners))
            foreach (var (index, owner) in owners)
            {
                if (owner.Data == tensor.Data && owner.Shape.AsSpan().SequenceEqual(tensor.Shape) && SameOrder(owner, tensor))
                    return new WatchedArgument(false) { Known = index };
                within ??= index;
            }
        return new WatchedArgument(false) { Data = Copy(tensor), Within = within };
    }

    // Strides of axes of length 1 say nothing.
    private static bool SameOrder(WatchedTensor a, WatchedTensor b)
    {
        for (var i = 0; i < a.Shape.Length; i++)
            if (a.Shape[i] > 1 && a.Strides[i] != b.Strides[i])
                return false;
        return true;
    }

    /// <summary>The values one after another, rows first.</summary>
    private static byte[]? Copy(WatchedTensor tensor)
    {
        var count = tensor.Shape.Aggregate(1L, (product, side) => checked(product * side)) * tensor.ElementSize;
        if (count >= LargestCopy)
            return null;
        var bytes = new byte[count];
        if (count > 0)
            Gather((byte*)tensor.Data, tensor, 0, bytes, 0);
        return bytes;
    }

    private static int Gather(byte* from, WatchedTensor tensor, int axis, byte[] into, int at)
    {
        var size = tensor.ElementSize;
        if (axis == tensor.Shape.Length)
        {
            new ReadOnlySpan<byte>(from, size).CopyTo(into.AsSpan(at));
            return at + size;
        }
        var (count, step) = (tensor.Shape[axis], tensor.Strides[axis] * size);
        if (axis == tensor.Shape.Length - 1 && (step == size || count == 1))
        {
            new ReadOnlySpan<byte>(from, checked((int)(count * size))).CopyTo(into.AsSpan(at));
            return at + (int)(count * size);
        }
        for (var i = 0L; i < count; i++)
            at = Gather(from + (i * step), tensor, axis + 1, into, at);
        return at;
    }

    private void End(nint record)
    {
        var (begin, end) = (*(nint*)(record + s_outputs), *(nint*)(record + s_outputs + 8));
        if ((end - begin) / ValueSize != _functions.Outputs(record))
            throw new InvalidOperationException("the number of its results isn't where it was expected");
        var seen = Operators[^1];
        seen.Outputs = (int)((end - begin) / ValueSize);
        for (var at = begin; at < end; at += ValueSize)
            Result(at, seen.Dependent);
    }

    private void Result(nint at, bool dependent)
    {
        switch (*(int*)(at + 8))
        {
            case TagOfTensor when _functions.Tensor(at) is { } tensor:
                if (dependent)
                    _dependent.Add(tensor.Storage);
                else
                    _dependent.Remove(tensor.Storage);
                break;
            case TagOfList when *(nint*)at is not 0 and var list:
                for (var item = *(nint*)(list + ItemsOfList); item < *(nint*)(list + ItemsOfList + 8); item += ValueSize)
                    Result(item, dependent);
                break;
        }
    }
}
