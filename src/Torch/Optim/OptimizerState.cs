using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>What an optimizer remembers about one parameter.</summary>
public abstract class OptimizerState
{
    protected Parameter _parameter;

    protected OptimizerState(Parameter parameter) => _parameter = parameter;

    /// <summary>Names every field of a subclass to a visitor, in the order of the file format.</summary>
    private protected virtual void Visit(OptimizerFields fields) { }

    public virtual void SaveStateDict(BinaryWriter writer) => Visit(new FieldWriter(writer));

    public virtual void LoadStateDict(BinaryReader reader) => Visit(new FieldReader(reader, _parameter.device));

    public virtual void LoadStateDict(OptimizerState source)
    {
        if (source.GetType() != GetType())
            throw new ArgumentException($"State of {source.GetType().DeclaringType?.Name} can't be loaded into {GetType().DeclaringType?.Name}.", nameof(source));
        Visit(new FieldAssigner(source.Values(), _parameter.device));
    }

    public virtual bool ApproximatelyEquals(OptimizerState other)
    {
        if (other.GetType() != GetType())
            return false;
        foreach (var (mine, theirs) in Values().Zip(other.Values()))
        {
            var equal = mine is Tensor tensor ? theirs is Tensor value && tensor.allclose(value) : Equals(mine, theirs);
            if (!equal)
                return false;
        }
        return true;
    }

    /// <summary>Sets the state to that before the first step.</summary>
    public abstract void Initialize(OptimizerOptions options);

    public virtual void to(Device device) => Visit(new FieldMover(device));

    protected static void LoadConditionalStateTensor(BinaryReader reader, ref Tensor? result, Device device)
        => new FieldReader(reader, device).Optional(ref result);

    protected static void SaveConditionalStateTensor(BinaryWriter writer, Tensor? tensor) => new FieldWriter(writer).Optional(ref tensor);

    private protected void Free() => Visit(new FieldDisposer());

    private protected Tensor Zeros() => zeros_like(_parameter, requires_grad: false).DetachFromDisposeScope();

    private List<object?> Values()
    {
        var collector = new FieldCollector();
        Visit(collector);
        return collector.Values;
    }
}
