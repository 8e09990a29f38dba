using Tessera.Ensembles;
using Tessera.Models.Detection;

namespace Tessera.Tools.Ensembles;

/// <summary>Which checkpoints' weights are averaged.</summary>
internal enum SoupKind
{
    /// <summary>The best one, and those with which it doesn't get worse on val.</summary>
    Greedy,

    /// <summary>All.</summary>
    Uniform,
}

/// <summary>What <c>tools/ensemble</c> was asked for.</summary>
internal sealed record EnsembleArguments
{
    public required string Config { get; init; }

    public required IReadOnlyList<string> Checkpoints { get; init; }

    public VoteKind Vote { get; init; } = VoteKind.Mean;

    public SoupKind? Soup { get; init; }

    /// <summary>null: test, or val where there is no test.</summary>
    public DataPart? Part { get; init; }

    /// <summary>The value that decides what is better; null: the first that says which way is better.</summary>
    public string? Metric { get; init; }

    /// <summary>Drawings for intervals; 0: none.</summary>
    public int Bootstrap { get; init; } = 1000;

    public BoxFusionOptions Fusion { get; init; } = new();

    public bool Averaged { get; init; } = true;

    public string? OutDir { get; init; }

    public string? Out { get; init; }

    public IReadOnlyList<string> Plugins { get; init; } = [];

    public SessionOptions Options { get; init; } = new();
}
