namespace Tessera.Torch;

/// <summary>What operators computed.</summary>
/// <param name="MultiplyAdds">Of matrix products and convolutions, those within attention included.</param>
/// <param name="Activations">Values that these gave.</param>
/// <param name="Bytes">Allocated for the results of all operators.</param>
public readonly record struct OperationCounts(long MultiplyAdds, long Activations, long Bytes)
{
    public static OperationCounts operator -(OperationCounts a, OperationCounts b) => new(a.MultiplyAdds - b.MultiplyAdds, a.Activations - b.Activations, a.Bytes - b.Bytes);

    public static OperationCounts operator +(OperationCounts a, OperationCounts b) => new(a.MultiplyAdds + b.MultiplyAdds, a.Activations + b.Activations, a.Bytes + b.Bytes);
}
