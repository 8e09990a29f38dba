using Tessera.Framework.Errors;

namespace Tessera;

/// <summary>What a run was begun with: <c>run.json</c> of its work dir, beside <c>config.json</c>. Whoever repeats the run needs
/// both.</summary>
public sealed record RunFacts
{
    /// <summary>The file's name.</summary>
    public const string FileName = "run.json";

    /// <summary>How the run was started; null where it was started from code.</summary>
    public string? Command { get; init; }

    /// <summary>The config file, as it was named; null where the run was started from text, or by a release that did not note it.</summary>
    public string? Config { get; init; }

    /// <summary>The files that the config stands on.</summary>
    public IReadOnlyList<string> Bases { get; init; } = [];

    /// <summary>What the config's own file and the command line set over the bases; of a config without bases, what the command line
    /// set.</summary>
    public IReadOnlyList<ConfigChange> Changes { get; init; } = [];

    /// <summary>The current directory then: relative paths of the config hold from there.</summary>
    public string Directory { get; init; } = "";

    /// <summary>The start of all random numbers.</summary>
    public long Seed { get; init; }

    /// <summary>Threads of the tensor library, as they came out.</summary>
    public int Threads { get; init; }

    /// <summary>What was trained on.</summary>
    public DataFacts Train { get; init; } = new();

    /// <summary>What was evaluated; null where nothing was.</summary>
    public DataFacts? Val { get; init; }

    /// <summary>Versions, processor, device, commit, by name.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Variables of the environment that change what is computed, or where data is; null for one that was not set.</summary>
    public IReadOnlyDictionary<string, string?> Variables { get; init; } = new Dictionary<string, string?>();

    /// <summary>Reads it from a work dir.</summary>
    /// <returns>null where there is none.</returns>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public static RunFacts? Read(string workDir) => RunRecord.Read<RunFacts>(Path.Combine(workDir, FileName));
}

/// <summary>A value of a run's config that its bases don't have.</summary>
/// <param name="Key">Its path, such as <c>optimizer.lr</c>.</param>
/// <param name="Before">The bases' value as JSON; null where they have none.</param>
/// <param name="Now">The run's value as JSON; null where the key was removed.</param>
/// <param name="Where">The file and line that set it, or the command line.</param>
public sealed record ConfigChange(string Key, string? Before, string? Now, string Where);

/// <summary>The data of one part of a run.</summary>
public sealed record DataFacts
{
    /// <summary>The data set's name in configs.</summary>
    public string Type { get; init; } = "";

    /// <summary>How many.</summary>
    public int Samples { get; init; }

    /// <summary>A file of the work dir with the name of each sample, one a line in the data set's order; null where samples have no files
    /// (they are drawn, or lie in one file together).</summary>
    public string? List { get; init; }
}
