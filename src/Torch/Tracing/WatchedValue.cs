namespace Tessera.Torch;

/// <summary>An argument as it was when its operator began.</summary>
internal abstract record WatchedValue
{
    public static readonly WatchedValue Other = new WatchedOther();

    /// <summary>Whether a tensor in it depends on the inputs.</summary>
    public virtual bool Dependent => false;
}

/// <summary>What is told elsewhere, or not at all.</summary>
internal sealed record WatchedOther : WatchedValue;

internal sealed record WatchedNumber(double Value) : WatchedValue;

internal sealed record WatchedList(IReadOnlyList<WatchedValue> Items) : WatchedValue
{
    public override bool Dependent => Items.Any(item => item.Dependent);
}

/// <summary>A tensor.</summary>
internal sealed record WatchedArgument(bool OfInputs) : WatchedValue
{
    public override bool Dependent => OfInputs;

    /// <summary>It begins where this input does.</summary>
    public int? Given { get; init; }

    /// <summary>It is this known tensor.</summary>
    public int? Known { get; init; }

    /// <summary>It lies in the memory of this known tensor.</summary>
    public int? Within { get; init; }

    /// <summary>Its values, rows first; null where it depends on the inputs or is known.</summary>
    public byte[]? Data { get; init; }
}

/// <summary>An operator that the program called.</summary>
internal sealed record WatchedOperator(string Name, IReadOnlyList<WatchedValue> Inputs)
{
    public bool Dependent { get; } = Inputs.Any(input => input.Dependent);

    public int Outputs { get; set; }
}
