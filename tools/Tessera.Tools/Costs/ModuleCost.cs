using Tessera.Torch;

namespace Tessera.Tools.Costs;

/// <summary>What one module of a model costs, its children included.</summary>
/// <param name="Name">As in <c>named_modules</c>; empty for the model itself.</param>
/// <param name="Type">Its class.</param>
/// <param name="Parameters">Numbers that it learns or learned.</param>
/// <param name="Frozen">Of these, the ones that don't train.</param>
internal sealed record ModuleCost(string Name, string Type, long Parameters, long Frozen)
{
    /// <summary>Over all its calls.</summary>
    public OperationCounts Counts { get; set; }

    public int Calls { get; set; }

    /// <summary>Shape of what it gave last; null where it did not run by itself or gave no tensor.</summary>
    public string? Output { get; set; }

    public string? Parent =>
        Name.Length == 0 ? null
        : Name.LastIndexOf('.') is >= 0 and var dot ? Name[..dot]
        : "";

    public string Leaf => Name[(Name.LastIndexOf('.') + 1)..];

    public int Depth => Name.Length == 0 ? 0 : Name.Count(c => c == '.') + 1;
}

/// <param name="Modules">The model first, children after their parents.</param>
internal sealed record ModelCost(IReadOnlyList<ModuleCost> Modules, OperationCounts Counts)
{
    public long Parameters => Modules[0].Parameters;

    public long Frozen => Modules[0].Frozen;
}
