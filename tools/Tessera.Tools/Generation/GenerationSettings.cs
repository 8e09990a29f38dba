namespace Tessera.Tools.Generation;

/// <summary>What tools/generate was asked for.</summary>
internal sealed record GenerationSettings
{
    public required string Checkpoint { get; init; }

    /// <summary>The folder to write.</summary>
    public required string Output { get; init; }

    /// <summary>Names; empty: all.</summary>
    public IReadOnlyList<string> Classes { get; init; } = [];

    /// <summary>Images of each class.</summary>
    public int Count { get; init; } = 100;

    public long Seed { get; init; }

    /// <summary>Least probability of the class asked for; null: every image is taken.</summary>
    public double? MinAgreement { get; init; }

    /// <summary>The checkpoint of a classifier; null: the model judges its images itself.</summary>
    public string? Judge { get; init; }

    /// <summary>Images drawn at most for each that is wanted.</summary>
    public int MaxTries { get; init; } = 20;

    public SessionOptions Session { get; init; } = new();
}
