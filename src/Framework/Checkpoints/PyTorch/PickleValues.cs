namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>A dict, an OrderedDict, or an object of a class that is not known here. Entries keep their order; only string keys can be
/// looked up.</summary>
internal sealed class PickleDict
{
    private static readonly Dictionary<string, object?> s_nothing = [];

    // Of other keys than texts only so many are kept: the numbers of classes, not a training's whole history.
    private const int MostNumbered = 100_000;

    private Dictionary<string, object?>? _byName;
    private List<(object? Key, object? Value)>? _numbered;

    /// <summary>The class of an object that is passed over: a name, never code. null for a dict.</summary>
    public string? Of { get; init; }

    /// <summary>What an OrderedDict has beside its entries.</summary>
    public PickleDict? Attributes { get; set; }

    /// <summary>String keys in the order in which they first came.</summary>
    public Dictionary<string, object?> Named => _byName ?? s_nothing;

    /// <summary>All entries, those with other keys included.</summary>
    public int Count => (_byName?.Count ?? 0) + OtherKeys;

    public int OtherKeys { get; private set; }

    /// <summary>Those whose keys are texts, then those whose keys are numbers.</summary>
    public IEnumerable<(object? Key, object? Value)> Entries =>
        Named.Select(entry => ((object?)entry.Key, entry.Value)).Concat(_numbered ?? []);

    public object? this[string key] => _byName?.GetValueOrDefault(key);

    public void Add(object? key, object? value)
    {
        if (key is string name)
            (_byName ??= new(StringComparer.Ordinal))[name] = value;
        else
        {
            OtherKeys++;
            if (key is long or int && value is string && (_numbered ??= []).Count < MostNumbered)
                _numbered.Add((key, value));
        }
    }
}

/// <summary>A tuple, torch.Size included.</summary>
internal sealed class PickleTuple(object?[] items)
{
    public static readonly PickleTuple Empty = new([]);

    public object?[] Items { get; } = items;
}

/// <summary>A set, or something whose content is of no interest here but which is known to be harmless.</summary>
/// <param name="What">For messages: "a set", "a numpy array".</param>
internal sealed record PickleOpaque(string What);

/// <summary>A global: a name, never code.</summary>
internal sealed record PickleGlobal(string Name, PickleCall Call, ElementType? Type = null);

/// <summary>What calling a global means here.</summary>
internal enum PickleCall
{
    /// <summary>Nothing: it can be held, not called.</summary>
    None,

    /// <summary>Nothing that weights need: calling it gives an object without content.</summary>
    Object,
    Tensor,
    TensorV2,
    TensorV3,
    Parameter,
    ParameterWithState,
    FromType,
    Dict,
    Counter,
    DefaultDict,
    List,
    Set,
    Size,
    Device,
    DType,
    NumpyScalar,
    NumpyDType,
    NumpyArray,
    Encode,
    ByteArray,
}

/// <summary>A storage: a run of elements of one type. Where it lies in the file may be known only later.</summary>
internal sealed class PickleStorage(string key, ElementType type, long count)
{
    public string Key { get; } = key;

    public ElementType Type { get; } = type;

    /// <summary>Elements; checked against the file by the time the file is open.</summary>
    public long Count { get; } = count;

    /// <summary>Where its bytes begin in the file.</summary>
    public long Offset { get; set; } = -1;
}

/// <summary>A tensor: a view of a storage. Checked against the storage's bounds when made.</summary>
internal sealed record PickleTensor(PickleStorage Storage, ElementType Type, long Offset, long[] Shape, long[] Strides)
{
    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] == 0)
                    return true;
                if (Shape[i] != 1 && Strides[i] != expected)
                    return false;
                expected *= Shape[i];
            }
            return true;
        }
    }
}
