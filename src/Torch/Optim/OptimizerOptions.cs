namespace TorchSharp.Modules;

/// <summary>A group's options. Subclasses add theirs.</summary>
public class OptimizerOptions
{
    public double? LearningRate { get; set; }
    public double InitialLearningRate { get; set; }

    /// <summary>Names every option of a subclass to a visitor, in the order of the file format.</summary>
    private protected virtual void Visit(OptimizerFields fields) { }

    public virtual void SaveStateDict(BinaryWriter writer)
    {
        writer.Write(InitialLearningRate);
        writer.Write(LearningRate!.Value);
        Visit(new FieldWriter(writer));
    }

    public virtual void LoadStateDict(BinaryReader reader)
    {
        InitialLearningRate = reader.ReadDouble();
        LearningRate = reader.ReadDouble();
        Visit(new FieldReader(reader, torch.CPU));
    }

    public virtual void LoadStateDict(OptimizerOptions source)
    {
        InitialLearningRate = source.InitialLearningRate;
        LearningRate = source.LearningRate;
        if (source.GetType() != GetType())
            throw new ArgumentException($"Options of {source.GetType().DeclaringType?.Name} can't be loaded into {GetType().DeclaringType?.Name}.", nameof(source));
        Visit(new FieldAssigner(source.Values(), torch.CPU));
    }

    /// <summary>Takes what isn't set from the optimizer's own options.</summary>
    internal void FillFrom(OptimizerOptions defaults)
    {
        LearningRate ??= defaults.LearningRate;
        InitialLearningRate = LearningRate!.Value;
        Visit(new FieldAssigner(defaults.Values(), torch.CPU, onlyMissing: true));
    }

    private List<object?> Values()
    {
        var collector = new FieldCollector();
        Visit(collector);
        return collector.Values;
    }
}
