using Tessera.Framework.Configuration;

namespace Tessera.Tools.Experiments;

/// <summary>A config trained several times with other seeds.</summary>
internal static class SeedRuns
{
    /// <summary>The tool's name, and the kind of its summary.</summary>
    public const string Kind = "repeat";

    /// <param name="shared">Edits that all runs share.</param>
    public static IReadOnlyList<ExperimentRun> Of(ConfigDocument config, IReadOnlyList<long> seeds, IEnumerable<ConfigEdit> shared)
    {
        var edited = config.Edited([.. shared]);
        return [.. seeds.Select(seed => new ExperimentRun($"seed-{seed}", edited.Edited([ExperimentSettings.Seed(seed)]), seed))];
    }
}
