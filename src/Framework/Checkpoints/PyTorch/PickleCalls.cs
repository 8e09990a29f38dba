using System.Buffers.Binary;
using System.Text;

namespace Tessera.Framework.Checkpoints.PyTorch;

/// <summary>What the allowed names do when a pickle calls them. Nothing here runs code of the file's.</summary>
internal sealed class PickleCalls(FileBytes file)
{
    private const int MaxRank = 64;

    /// <summary>An expanded view (stride 0) may have more elements than its storage, up to this many.</summary>
    private const long MaxExpanded = 1 << 22;

    /// <summary>Calls copy what they are given, and a value can be given again and again at two bytes a time; so all copies together have a
    /// bound.</summary>
    private int _left = 8_000_000;

    public object? Call(object? callee, object? arguments)
    {
        if (callee is PickleDict { Of: { } type })
            return new PickleDict { Of = type };
        if (callee is not PickleGlobal global)
            throw WeightsFileErrors.RefusedOpcode(file, "a call of what is no name");
        if (arguments is not PickleTuple { Items: var given })
            throw Bad($"{global.Name} is called without a tuple of arguments");
        return global.Call switch
        {
            PickleCall.Object => new PickleDict { Of = global.Name },
            PickleCall.Tensor => MakeTensor(global, given, 4),
            PickleCall.TensorV2 => MakeTensor(global, given, 6),
            PickleCall.TensorV3 => MakeTensor(global, given, 7),
            PickleCall.Parameter or PickleCall.ParameterWithState => given is [PickleTensor tensor, ..]
                ? tensor
                : throw Bad("a parameter has no tensor"),
            PickleCall.FromType => given
                is [
                    PickleGlobal { Call: PickleCall.Tensor or PickleCall.TensorV2 or PickleCall.TensorV3 or PickleCall.Parameter } inner,
                    _,
                    PickleTuple,
                    ..,
                ]
                ? Call(inner, given[2])
                : throw Bad("a tensor is rebuilt from something else"),
            PickleCall.Dict => Dict(given, 0),
            PickleCall.Counter => Dict(given, 0),
            PickleCall.DefaultDict => Dict(given, 1),
            PickleCall.List => given is [] ? new List<object?>() : new PickleOpaque("a list"),
            PickleCall.Set => new PickleOpaque("a set"),
            PickleCall.Size => given is [PickleTuple size] ? size : throw Bad("torch.Size without a tuple"),
            PickleCall.Device => given is [string device, ..] ? device : throw Bad("torch.device without a name"),
            PickleCall.NumpyScalar => NumpyScalar(given),
            PickleCall.NumpyDType => given is [string name, ..] ? new NumpyDType(name) : throw Bad("numpy.dtype without a name"),
            PickleCall.NumpyArray => new PickleOpaque("a numpy array"),
            PickleCall.Encode => given is [string text, ..] && Spend(text.Length)
                ? Encoding.Latin1.GetBytes(text)
                : throw Bad("encode without a text"),
            PickleCall.ByteArray => new PickleOpaque("bytes"),
            _ => throw WeightsFileErrors.RefusedOpcode(file, $"a call of {global.Name}"),
        };
    }

    /// <summary>BUILD: attributes for an object made before. None matters for weights.</summary>
    public void SetState(object? target, object? state)
    {
        switch (target)
        {
            case PickleDict { Of: null } dict when state is PickleDict attributes: // an OrderedDict's _metadata
                dict.Attributes = attributes;
                return;
            case PickleTensor when state is PickleDict or PickleTuple:
            case PickleDict { Of: not null } or PickleGlobal { Call: PickleCall.Object } or PickleOpaque or NumpyDType:
                return;
            default:
                throw WeightsFileErrors.RefusedOpcode(file, "the instruction BUILD on " + NameOf(target));
        }
    }

    public string NameOf(object? value) =>
        value switch
        {
            PickleGlobal global => global.Name,
            PickleDict => "a dict",
            PickleTuple => "a tuple",
            PickleTensor => "a tensor",
            string => "a text",
            null => "nothing",
            _ => "a value",
        };

    private PickleDict Dict(object?[] given, int skip)
    {
        if (given.Length <= skip)
            return new PickleDict();
        switch (given[skip])
        {
            case PickleDict other when given.Length == skip + 1:
                return other;
            case List<object?> pairs when given.Length == skip + 1: // the form of old Pythons
                var dict = new PickleDict();
                Spend(pairs.Count);
                foreach (var pair in pairs)
                {
                    var (key, value) = pair switch
                    {
                        PickleTuple { Items: [var k, var v] } => (k, v),
                        List<object?> { Count: 2 } two => (two[0], two[1]),
                        _ => throw Bad("a dict is made of what are no pairs"),
                    };
                    dict.Add(key, value);
                }
                return dict;
            default:
                throw Bad("a dict is made of something else");
        }
    }

    private PickleTensor MakeTensor(PickleGlobal global, object?[] given, int arguments)
    {
        if (given.Length < arguments || given is not [PickleStorage storage, long offset, PickleTuple size, PickleTuple stride, ..])
            throw Bad($"{global.Name} has the wrong arguments");
        var type = storage.Type;
        var (count, start) = (storage.Count, offset);
        if (global.Call == PickleCall.TensorV3)
        {
            // The storage counts bytes; the tensor names its type.
            if (given[6] is not PickleGlobal { Call: PickleCall.DType, Type: { } named })
                throw Bad($"{global.Name} names no type");
            type = named;
            count = storage.Count * storage.Type.Size() / type.Size();
        }
        var (shape, strides) = (Integers(size), Integers(stride));
        if (shape.Length != strides.Length)
            throw Bad("a tensor has as many strides as dimensions; this one has not");
        if (!ByteSizes.TryBytes(shape, type.Size(), out var bytes))
            throw Bad($"a tensor of shape {WeightInfo.ShapeText(shape)}");
        if (start < 0 || start > count)
            throw Bad("a tensor begins outside its storage");
        if (bytes > 0)
        {
            Int128 last = start;
            for (var i = 0; i < shape.Length; i++)
            {
                if (strides[i] < 0)
                    throw Bad("a stride is negative");
                last += (Int128)(shape[i] - 1) * strides[i];
            }
            if (last >= count)
                throw Bad($"a tensor of shape {WeightInfo.ShapeText(shape)} reaches beyond its storage of {count} elements");
            if (bytes / type.Size() > Math.Max(count, MaxExpanded))
                throw Bad($"a tensor of shape {WeightInfo.ShapeText(shape)} repeats a storage of {count} elements");
        }
        return new PickleTensor(storage, type, start, shape, strides);
    }

    private long[] Integers(PickleTuple tuple)
    {
        if (tuple.Items.Length > MaxRank)
            throw Bad($"a tensor has more than {MaxRank} dimensions");
        Spend(tuple.Items.Length + 1);
        var values = new long[tuple.Items.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = tuple.Items[i] is long value ? value : throw Bad("a size or stride is no whole number");
        return values;
    }

    private object? NumpyScalar(object?[] given)
    {
        if (given is not [NumpyDType type, byte[] bytes])
            return new PickleOpaque("a numpy number");
        return (type.Name, bytes.Length) switch
        {
            ("f8", 8) => BinaryPrimitives.ReadDoubleLittleEndian(bytes),
            ("f4", 4) => (double)BinaryPrimitives.ReadSingleLittleEndian(bytes),
            ("i8", 8) => BinaryPrimitives.ReadInt64LittleEndian(bytes),
            ("i4", 4) => (long)BinaryPrimitives.ReadInt32LittleEndian(bytes),
            ("b1", 1) => bytes[0] != 0,
            _ => new PickleOpaque("a numpy number"),
        };
    }

    private bool Spend(int units) => (_left -= units) >= 0 ? true : throw Bad("it is far more entangled than any checkpoint");

    private UserErrorException Bad(string why) => WeightsFileErrors.BadPickle(file, why);

    private sealed record NumpyDType(string Name);
}
