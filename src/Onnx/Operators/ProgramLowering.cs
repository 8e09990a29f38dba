using Tessera.Framework.Errors;
using Tessera.Onnx.Format;
using Tessera.Onnx.Lowering;
using Tessera.Onnx.Recording;
using Tessera.Torch;

namespace Tessera.Onnx.Operators;

/// <summary>Writes a recorded program as nodes of a graph: only what the results need; what does not depend on the images is
/// folded.</summary>
internal sealed class ProgramLowering
{
    private readonly GraphWriter _writer;
    private readonly IReadOnlyList<RecordedProgram> _programs;
    private readonly int _alike;
    private readonly IReadOnlyList<(string Name, ReadOnlyMemory<byte> Data)> _weights;
    private readonly string?[] _names;
    private readonly List<DimensionSource> _roots = [];
    private readonly Dictionary<int, string> _weightNames = [];

    /// <param name="programs">Of the same operators: first those for images of one size, then those of other sizes.</param>
    /// <param name="alike">How many are of the first size.</param>
    /// <param name="weights">The known tensors, rows first.</param>
    public ProgramLowering(
        GraphWriter writer,
        IReadOnlyList<RecordedProgram> programs,
        int alike,
        IReadOnlyList<(string Name, ReadOnlyMemory<byte> Data)> weights
    )
    {
        (_writer, _programs, _alike, _weights) = (writer, programs, alike, weights);
        _names = new string?[programs[0].Values.Count];
    }

    private RecordedProgram First => _programs[0];

    public GraphWriter Writer => _writer;

    /// <summary>Sides of the graph's inputs, which lengths may depend on.</summary>
    public IReadOnlyList<DimensionSource> Roots => _roots;

    /// <summary>Writes what the wanted values need.</summary>
    /// <param name="inputs">The graph's names of the program's inputs.</param>
    /// <param name="wanted">Indices of values.</param>
    public string[] Write(IReadOnlyList<string> inputs, IReadOnlyList<int> wanted)
    {
        foreach (var value in First.Values.Where(value => value.Input is not null))
        {
            _names[value.Index] = inputs[value.Input!.Value];
            for (var axis = 0; axis < value.Shape.Count; axis++)
                _roots.Add(Source(value.Index, axis));
        }
        var needed = new bool[First.Operators.Count];
        var queue = new Stack<int>(wanted);
        var seen = new HashSet<int>();
        while (queue.TryPop(out var index))
        {
            if (!seen.Add(index) || _names[index] is not null || IsConstant(index))
                continue;
            var value = First.Values[index];
            if (value.Producer < 0)
                throw Unmade(index);
            needed[value.Producer] = true;
            foreach (var input in First.Operators[value.Producer].Inputs)
                queue.Push(input);
        }
        for (var i = 0; i < needed.Length; i++)
            if (needed[i])
                AtenOperators.Write(new OperatorContext(this, i));
        return [.. wanted.Select(Name)];
    }

    public RecordedOperator Operator(int index) => First.Operators[index];

    /// <summary>An argument of an operator, in every program.</summary>
    public TracedValue[] Arguments(int operation, int argument) =>
        [.. _programs.Select(program => program.Operators[operation].Arguments[argument])];

    public int ValueOf(TracedTensor tensor) => First.ValueOf(tensor);

    public RecordedValue Value(int index) => First.Values[index];

    /// <summary>A side of a value in every program.</summary>
    public long[] Lengths(int value, int axis) => [.. _programs.Select(program => program.Values[value].Shape[axis])];

    public DimensionSource Source(int value, int axis) => new(Name(value), axis, Lengths(value, axis));

    public void Assign(int value, string name) => _names[value] = name;

    /// <summary>The graph's name of a value; constants are added when they are first asked for.</summary>
    public string Name(int index)
    {
        if (_names[index] is { } known)
            return known;
        if (!IsConstant(index))
            throw Unmade(index);
        return _names[index] = Constant(First.Values[index]);
    }

    /// <summary>The values of a constant; null where it is none.</summary>
    public ReadOnlyMemory<byte>? Data(int index) =>
        !IsConstant(index) ? null
        : First.Values[index].Known is { } known ? _weights[known].Data
        : First.Values[index].Data;

    /// <summary>The formula of a number that differs between the programs.</summary>
    /// <param name="numbers">In each program.</param>
    /// <param name="near">Values whose sides it may be made of, besides the inputs'.</param>
    public DimensionFormula? Formula(long[] numbers, IEnumerable<int> near) =>
        DimensionFormula.Find(
            numbers,
            [
                .. near.Where(value => Named(value) && !IsConstant(value))
                    .SelectMany(value => Enumerable.Range(0, First.Values[value].Shape.Count).Select(axis => Source(value, axis))),
            ],
            _roots
        );

    private bool Named(int value) => _names[value] is not null;

    /// <summary>Whether a value is the same for all images, of all sizes that are asked for.</summary>
    private bool IsConstant(int index)
    {
        var value = First.Values[index];
        if (value.Dependent)
            return false;
        if (value.Known is not null)
            return true;
        if (value.Data is not { } data || IsViewOfWeight(value))
            return false;
        for (var i = 1; i < _programs.Count; i++)
        {
            var other = _programs[i].Values[index].Data;
            if (other is { } same && same.Span.SequenceEqual(data.Span) && _programs[i].Values[index].Shape.SequenceEqual(value.Shape))
                continue;
            if (i < _alike)
                throw ExportErrors.NotAlike(Place(index), "is given other values for another image");
            return false;
        }
        return true;
    }

    // A weight that is turned or cut stays whole, under its name, and is turned in the graph.
    private bool IsViewOfWeight(RecordedValue value) =>
        value is { Within: not null, Producer: >= 0 and var producer } && AtenOperators.Names.Contains(First.Operators[producer].Name);

    private string Constant(RecordedValue value)
    {
        var type = value.Type ?? throw ExportErrors.NoType(Place(value.Index), value.TypeName);
        if (value.Known is not { } known)
            return value.Within is { } owner
                ? _writer.Weight($"{_weights[owner].Name}.part", type, value.Shape, value.Data!.Value)
                : _writer.Constant(type, value.Shape, value.Data!.Value);
        return _weightNames.TryGetValue(known, out var name)
            ? name
            : _weightNames[known] = _writer.Weight(_weights[known].Name, type, value.Shape, _weights[known].Data);
    }

    private UserErrorException Unmade(int index)
    {
        var value = First.Values[index];
        if (value.Dependent || value.Data is not null)
            return _programs.Count > _alike
                ? ExportErrors.DependsOnSize(Place(index), "a table that the model makes for each size of images")
                : ExportErrors.Unknown(Place(index));
        return ExportErrors.Unknown(Place(index));
    }

    /// <summary>The operator that a value is given to first, or comes from.</summary>
    private string Place(int index)
    {
        var user = First.Operators.FirstOrDefault(operation => operation.Inputs.Contains(index));
        return user is null ? "the model" : ExportErrors.Of(user, First);
    }
}
