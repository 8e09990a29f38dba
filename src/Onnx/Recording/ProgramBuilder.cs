using System.Runtime.InteropServices;
using Tessera.Framework.Errors;
using Tessera.Onnx.Format;
using Tessera.Torch;

namespace Tessera.Onnx.Recording;

/// <summary>Turns operators that write into memory into ones that give new values.</summary>
/// <remarks>An operator that writes in place gives a new value to its tensor and to every other one that lies in the same memory: a view of
/// the same numbers in another shape is reshaped, any other is put together from what it was and what was written.</remarks>
internal sealed class ProgramBuilder
{
    /// <summary>Reshapes its input to the shape of its output.</summary>
    public const string Reshape = "tessera::reshape";

    /// <summary>Its first input, flat, with those of the third (flat, too) that the fourth names at the places that the second
    /// names.</summary>
    public const string Overlay = "tessera::overlay";

    private readonly Dictionary<long, (int Value, TracedTensor Tensor)> _tensors = []; // by id: the latest that had it
    private readonly Dictionary<long, HashSet<long>> _memory = []; // ids by storage
    private readonly Dictionary<int, int> _known = [];
    private readonly Dictionary<int, int> _given = [];

    public RecordedProgram Program { get; } = new();

    /// <returns>Its results.</returns>
    public IReadOnlyList<int> Add(TracedOperator node, string module)
    {
        var inputs = new List<int>();
        foreach (var tensor in node.Inputs.SelectMany(value => value.Tensors))
        {
            var value = Resolve(tensor, node, module);
            Program.Is(tensor, value);
            inputs.Add(value);
        }
        var dependent = inputs.Any(input => Program.Values[input].Dependent);
        var written = Written(node);
        var outputs = new List<int>();
        var index = Program.Operators.Count;
        var results = node.Outputs.SelectMany(value => value.Tensors).ToArray();
        var used = node.Inputs.SelectMany(value => value.Tensors).Select(tensor => tensor.Storage).ToHashSet();
        foreach (var tensor in results.Where(tensor => !used.Contains(tensor.Storage)))
            _memory.Remove(tensor.Storage); // newly allocated: what had this memory before is gone
        foreach (var tensor in results)
            outputs.Add(New(tensor, dependent, index, outputs.Count));
        Program.Operators.Add(new RecordedOperator(node.Name, node.Schema, module, node.Inputs, inputs, outputs));
        foreach (var tensor in written)
            if (!results.Any(result => result.Id == tensor.Id))
                throw new UserErrorException($"{At(module)}{node.Name} writes into its arguments, which can't be exported.");
        for (var i = 0; i < results.Length; i++)
        {
            Keep(results[i], outputs[i]);
            if (written.Any(tensor => tensor.Id == results[i].Id))
                Overwrite(results[i], outputs[i], module);
        }
        return outputs;
    }

    private static string At(string module) => module.Length > 0 ? $"{module}: " : "";

    /// <summary>The tensors whose memory the operator writes to, by its schema: "Tensor(a!) self".</summary>
    private static List<TracedTensor> Written(TracedOperator node)
    {
        var written = new List<TracedTensor>();
        if (!node.Schema.Contains('!', StringComparison.Ordinal))
            return written;
        foreach (var (i, (_, isWritten)) in OperatorSchema.Arguments(node.Schema).Index())
            if (isWritten && i < node.Inputs.Count)
                written.AddRange(node.Inputs[i].Tensors);
        return written;
    }

    private int Resolve(TracedTensor tensor, TracedOperator node, string module)
    {
        var origin = tensor.Origin;
        if (origin?.Known is { } known)
            return _known.TryGetValue(known, out var found) ? found : _known[known] = Value(tensor, value => value with { Known = known });
        var seen = _tensors.TryGetValue(tensor.Id, out var latest) && latest.Tensor.Storage == tensor.Storage ? latest.Value : -1;
        if (origin?.DependsOnInput == true)
        {
            if (seen >= 0)
                return seen;
            if (origin.Input is not { } input)
                throw new UserErrorException($"{At(module)}{node.Name} is given a tensor that no recorded operator made.");
            return _given.TryGetValue(input, out var given)
                ? given
                : _given[input] = Value(tensor, value => value with { Input = input, Dependent = true });
        }
        if (seen >= 0)
        {
            var value = Program.Values[seen];
            value.Within ??= origin?.Within;
            value.Data ??= origin?.Values;
            if (SameData(value, origin))
                return seen;
        }
        var constant = Value(tensor, value => value with { Data = origin?.Values, Within = origin?.Within });
        Keep(tensor, constant);
        return constant;
    }

    private static bool SameData(RecordedValue value, TensorOrigin? origin) =>
        value.Data is { } a && origin?.Values is { } b && a.Span.SequenceEqual(b.Span);

    private int Value(TracedTensor tensor, Func<RecordedValue, RecordedValue> with)
    {
        var value = new RecordedValue(Program.Values.Count)
        {
            Shape = tensor.Shape,
            Type = OnnxTypes.Of(tensor.Type),
            TypeName = tensor.TypeName,
        };
        Program.Values.Add(with(value));
        return value.Index;
    }

    private int New(TracedTensor tensor, bool dependent, int producer, int position) =>
        Value(tensor, value => value with { Dependent = dependent, Producer = producer, Position = position });

    private void Keep(TracedTensor tensor, int value)
    {
        if (_tensors.TryGetValue(tensor.Id, out var before) && before.Tensor.Storage != tensor.Storage)
            _memory.GetValueOrDefault(before.Tensor.Storage)?.Remove(tensor.Id);
        _tensors[tensor.Id] = (value, tensor);
        (CollectionsMarshal.GetValueRefOrAddDefault(_memory, tensor.Storage, out _) ??= []).Add(tensor.Id);
    }

    // Gives new values to the other tensors in the memory that was written to.
    private void Overwrite(TracedTensor tensor, int value, string module)
    {
        foreach (var id in _memory[tensor.Storage].Where(id => id != tensor.Id).ToArray())
        {
            var (old, other) = _tensors[id];
            if (other.Offset == tensor.Offset && other.Shape.SequenceEqual(tensor.Shape) && other.Strides.SequenceEqual(tensor.Strides))
                _tensors[id] = (value, other);
            else if (other.Offset == tensor.Offset && other.Elements == tensor.Elements && IsDense(other) && IsDense(tensor))
                _tensors[id] = (Insert(Reshape, module, other, [value]), other);
            else
                Lay(other, old, tensor, value, module);
        }
    }

    private static bool IsDense(TracedTensor tensor)
    {
        var expected = 1L;
        for (var axis = tensor.Shape.Count - 1; axis >= 0; axis--)
        {
            if (tensor.Shape[axis] != 1 && tensor.Strides[axis] != expected)
                return false;
            expected *= tensor.Shape[axis];
        }
        return true;
    }

    private void Lay(TracedTensor other, int old, TracedTensor tensor, int value, string module)
    {
        var places = new Dictionary<long, long>();
        foreach (var (i, address) in Addresses(tensor).Index())
            places[address] = i;
        var (into, from) = (new List<long>(), new List<long>());
        foreach (var (i, address) in Addresses(other).Index())
            if (places.TryGetValue(address, out var place))
            {
                into.Add(i);
                from.Add(place);
            }
        if (into.Count > 0)
            _tensors[other.Id] = (Insert(Overlay, module, other, [old, Constant(into), value, Constant(from)]), other);
    }

    /// <summary>Where each element lies in the memory, rows first.</summary>
    private static IEnumerable<long> Addresses(TracedTensor tensor)
    {
        var at = new long[tensor.Shape.Count];
        for (var left = tensor.Elements; left > 0; left--)
        {
            var address = tensor.Offset;
            for (var axis = 0; axis < at.Length; axis++)
                address += at[axis] * tensor.Strides[axis];
            yield return address;
            for (var axis = at.Length - 1; axis >= 0 && ++at[axis] == tensor.Shape[axis]; axis--)
                at[axis] = 0;
        }
    }

    private int Insert(string name, string module, TracedTensor like, int[] inputs)
    {
        var dependent = inputs.Any(input => Program.Values[input].Dependent);
        var output = New(like, dependent, Program.Operators.Count, 0);
        Program.Operators.Add(new RecordedOperator(name, "", module, [], inputs, [output]));
        return output;
    }

    private int Constant(List<long> numbers)
    {
        var value = new RecordedValue(Program.Values.Count)
        {
            Shape = [numbers.Count],
            Type = OnnxType.Int64,
            TypeName = "long int",
            Data = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(numbers)).ToArray(),
        };
        Program.Values.Add(value);
        return value.Index;
    }
}
