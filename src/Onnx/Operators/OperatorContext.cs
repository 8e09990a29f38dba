using Tessera.Framework.Errors;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using Tessera.Onnx.Recording;
using Tessera.Torch;

namespace Tessera.Onnx.Operators;

/// <summary>One recorded operator, on its way into the graph: its arguments by the names that libtorch gives them, and what is written for
/// it.</summary>
internal sealed class OperatorContext
{
    private readonly ProgramLowering _program;
    private readonly int _index;
    private readonly RecordedOperator _operator;
    private readonly Dictionary<string, int> _places = [];

    public OperatorContext(ProgramLowering program, int index)
    {
        (_program, _index, _operator) = (program, index, program.Operator(index));
        foreach (var (i, (name, _)) in OperatorSchema.Arguments(_operator.Schema).Index())
            _places[name] = i;
    }

    public string Name => _operator.Name;

    public int Opset => _program.Writer.Opset;

    public GraphWriter Writer => _program.Writer;

    public int Outputs => _operator.Outputs.Count;

    /// <summary>The module, the operator and the shapes, for messages.</summary>
    public string Place
    {
        get
        {
            var shapes = string.Join(", ", _operator.Inputs.Select(input => $"[{string.Join(", ", _program.Value(input).Shape)}]"));
            return $"{(_operator.Module.Length > 0 ? _operator.Module : "the model")}: {_operator.Name}({shapes})";
        }
    }

    public UserErrorException NoForm(string what) => ExportErrors.NoForm(Place, what);

    public void NeedsOpset(int opset)
    {
        if (Opset < opset)
            throw ExportErrors.NeedsOpset(Place, opset, Opset);
    }

    /// <summary>Whether the operator has such an argument, and it was given.</summary>
    public bool Has(string argument) =>
        _places.TryGetValue(argument, out var i) && i < _operator.Arguments.Count && _operator.Arguments[i] is not TracedNothing;

    public bool IsTensor(string argument) => Has(argument) && _operator.Arguments[_places[argument]] is TracedTensor;

    /// <summary>The value that a tensor argument is.</summary>
    public RecordedValue Value(string argument) =>
        _operator.Arguments[_places[argument]] is TracedTensor tensor
            ? _program.Value(_program.ValueOf(tensor))
            : throw NoForm($"its argument {argument} is no tensor");

    /// <summary>The values of a list of tensors; null for one that isn't given.</summary>
    public IReadOnlyList<RecordedValue?> Values(string argument) =>
        _operator.Arguments[_places[argument]] is TracedList list
            ? [.. list.Items.Select(item => item is TracedTensor tensor ? _program.Value(_program.ValueOf(tensor)) : null)]
            : throw NoForm($"its argument {argument} is no list of tensors");

    /// <summary>The values that the operator reads, in order.</summary>
    public IReadOnlyList<RecordedValue> Inputs => [.. _operator.Inputs.Select(_program.Value)];

    public string In(RecordedValue value) => _program.Name(value.Index);

    public string In(string argument) => In(Value(argument));

    public string In(RecordedValue value, OnnxType type) =>
        TypeOf(value) == type ? In(value) : Writer.Cast(_operator.Module, In(value), type);

    /// <summary>The argument in a type; a number becomes a constant.</summary>
    public string In(string argument, OnnxType type) =>
        IsTensor(argument) ? In(Value(argument), type) : Writer.Scalar(type, Real(argument));

    public OnnxType TypeOf(RecordedValue value) => value.Type ?? throw ExportErrors.NoType(Place, value.TypeName);

    public OnnxType Type(string argument) => TypeOf(Value(argument));

    public IReadOnlyList<long> Shape(string argument) => Value(argument).Shape;

    public int Rank(string argument) => Value(argument).Shape.Count;

    /// <summary>A constant's values; null where it is none.</summary>
    public ReadOnlyMemory<byte>? Data(RecordedValue value) => _program.Data(value.Index);

    public RecordedValue Output(int i = 0) => _program.Value(_operator.Outputs[i]);

    public OnnxType OutType(int i = 0) => TypeOf(Output(i));

    /// <summary>Whether a side is the same in all programs.</summary>
    public bool IsFixed(RecordedValue value, int axis) => _program.Lengths(value.Index, axis).Distinct().Count() == 1;

    /// <summary>A side in every program.</summary>
    public long[] Lengths(RecordedValue value, int axis) => _program.Lengths(value.Index, axis);

    public long Integer(string argument, long missing = 0) =>
        !Has(argument) ? missing : Only(argument, Numbers(argument, value => Whole(argument, value)));

    /// <summary>A whole number in every program.</summary>
    public long[] IntegerOfAll(string argument) => Numbers(argument, value => Whole(argument, value));

    public double Real(string argument, double missing = 0) =>
        !Has(argument)
            ? missing
            : _operator.Arguments[_places[argument]] switch
            {
                TracedDouble number => number.Value,
                TracedInteger number => number.Value,
                TracedBool flag => flag.Value ? 1 : 0,
                _ => throw NoForm($"its argument {argument} is no number"),
            };

    /// <summary>Whether a number is written with a fraction, which makes whole numbers floating-point ones.</summary>
    public bool IsReal(string argument) => Has(argument) && _operator.Arguments[_places[argument]] is TracedDouble;

    public bool Flag(string argument, bool missing = false) =>
        Has(argument) ? _operator.Arguments[_places[argument]] is TracedBool { Value: true } or TracedInteger { Value: not 0 } : missing;

    public string? Text(string argument) => Has(argument) && _operator.Arguments[_places[argument]] is TracedText text ? text.Value : null;

    /// <summary>Floating-point numbers of a list.</summary>
    public double[] Reals(string argument) =>
        Has(argument) && _operator.Arguments[_places[argument]] is TracedList list
            ?
            [
                .. list.Items.Select(item =>
                    item switch
                    {
                        TracedDouble number => number.Value,
                        TracedInteger number => number.Value,
                        _ => throw NoForm($"its argument {argument} is no list of numbers"),
                    }
                ),
            ]
            : [];

    /// <summary>Whole numbers of a list, the same in all programs; one number stands for a list of one.</summary>
    public long[] Integers(string argument) => [.. IntegersOfAll(argument).Select(numbers => Only(argument, numbers))];

    /// <summary>Whole numbers of a list: each in every program.</summary>
    public IReadOnlyList<long[]> IntegersOfAll(string argument)
    {
        if (!Has(argument))
            return [];
        var lists = _program
            .Arguments(_index, _places[argument])
            .Select(value =>
                value switch
                {
                    TracedList list => list.Integers ?? throw NoForm($"its argument {argument} is no list of whole numbers"),
                    TracedInteger number => [number.Value],
                    _ => throw NoForm($"its argument {argument} is no list of whole numbers"),
                }
            )
            .ToArray();
        return [.. Enumerable.Range(0, lists[0].Count).Select(i => lists.Select(list => list[i]).ToArray())];
    }

    /// <summary>An axis argument, counted from the front.</summary>
    public long Axis(string argument, int rank, long missing = 0)
    {
        var axis = Integer(argument, missing);
        return axis < 0 ? axis + Math.Max(rank, 1) : axis;
    }

    /// <summary>A whole number, [1]: a constant, or computed from sides.</summary>
    /// <param name="numbers">In every program.</param>
    public string Number(long[] numbers)
    {
        if (numbers.Distinct().Count() == 1)
            return Writer.Integers(numbers[0]);
        return Writer.Number(
            _program.Formula(numbers, _operator.Inputs)
                ?? throw ExportErrors.DependsOnSize(Place, $"a number ({string.Join(", ", numbers)} for the sizes that were tried)")
        );
    }

    /// <summary>Whole numbers, [N].</summary>
    public string NumberList(IReadOnlyList<long[]> numbers) =>
        numbers.All(of => of.Distinct().Count() == 1)
            ? Writer.Integers([.. numbers.Select(of => of[0])])
            : Node("Concat", [.. numbers.Select(Number)], ("axis", 0L));

    /// <summary>The sides of a value as a list.</summary>
    public string Sides(RecordedValue value) =>
        NumberList([.. Enumerable.Range(0, value.Shape.Count).Select(axis => Lengths(value, axis))]);

    /// <summary>A value in the shape of another, of as many elements.</summary>
    /// <param name="name">The graph's name of the value.</param>
    /// <param name="from">The value.</param>
    /// <param name="to">The one whose shape it gets.</param>
    public string Reshaped(string name, RecordedValue? from, RecordedValue to)
    {
        var sides = new string?[to.Shape.Count];
        var numbers = new long[to.Shape.Count];
        var open = new List<int>();
        for (var axis = 0; axis < numbers.Length; axis++)
        {
            numbers[axis] = to.Shape[axis];
            if (IsFixed(to, axis))
                continue;
            if (from is not null && axis < from.Shape.Count && Lengths(from, axis).AsSpan().SequenceEqual(Lengths(to, axis)))
                numbers[axis] = 0; // as it is
            else
                open.Add(axis);
        }
        if (open.Count > 0)
            numbers[open[^1]] = -1;
        foreach (var axis in open.SkipLast(1))
            sides[axis] = Number(Lengths(to, axis));
        if (to.Shape.Count > 0 && numbers.Contains(0) && to.Shape.Contains(0))
            throw NoForm("it gives a tensor without elements");
        var shape =
            open.Count < 2
                ? Writer.Integers(numbers)
                : Node("Concat", [.. sides.Select((side, axis) => side ?? Writer.Integers(numbers[axis]))], ("axis", 0L));
        return Node("Reshape", [name, shape]);
    }

    public string Node(string operation, IReadOnlyList<string> inputs, params (string Name, object Value)[] attributes) =>
        Writer.Node(_operator.Module, operation, inputs, attributes);

    public string[] Nodes(string operation, IReadOnlyList<string> inputs, int outputs, params (string Name, object Value)[] attributes) =>
        Writer.Nodes(_operator.Module, operation, inputs, outputs, attributes);

    /// <summary>Says what a result is called in the graph.</summary>
    public void Set(string name, int output = 0) => _program.Assign(_operator.Outputs[output], name);

    private long[] Numbers(string argument, Func<TracedValue, long> read) =>
        [.. _program.Arguments(_index, _places[argument]).Select(read)];

    private long Whole(string argument, TracedValue value) =>
        value switch
        {
            TracedInteger number => number.Value,
            TracedBool flag => flag.Value ? 1 : 0,
            TracedDouble { Value: var number } when Math.Floor(number) == number => (long)number,
            _ => throw NoForm($"its argument {argument} is no whole number"),
        };

    private long Only(string argument, long[] numbers) =>
        numbers.Distinct().Count() == 1
            ? numbers[0]
            : throw ExportErrors.DependsOnSize(Place, $"its argument {argument} ({string.Join(", ", numbers)} for the sizes tried)");
}
