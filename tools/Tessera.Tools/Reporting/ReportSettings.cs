namespace Tessera.Tools.Reporting;

/// <summary>How a report is made.</summary>
internal sealed record ReportSettings
{
    /// <summary>Whose predictions: "val" or "test"; null: test, or val where there is no test.</summary>
    public string? Part { get; init; }

    /// <summary>How many of the best images, and of the worst.</summary>
    public int Count { get; init; } = 8;

    /// <summary>Boxes that score less are not drawn.</summary>
    public double LeastScore { get; init; } = 0.3;

    /// <summary>How often images are drawn anew for an interval; 0: no intervals.</summary>
    public int Bootstrap { get; init; } = 1000;

    /// <summary>Whether the data is read, for its statistics.</summary>
    public bool CountsData { get; init; } = true;

    /// <summary>Whether plugins that a run's config names are loaded: their code is run.</summary>
    public bool LoadsPlugins { get; init; }

    /// <summary>Changes to the runs' configs: where the data lies now.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];
}
