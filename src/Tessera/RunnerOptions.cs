namespace Tessera;

/// <summary>How a run begins.</summary>
public sealed record RunnerOptions
{
    /// <summary>Where it writes; by default what the config says, or work_dirs/NAME.</summary>
    public string? WorkDir { get; init; }

    /// <summary>Go on from the newest checkpoint of the work dir, where there is one.</summary>
    public bool Resume { get; init; }

    /// <summary>Begin anew where another run has begun before; its files are removed once the new run is built.</summary>
    public bool Overwrite { get; init; }

    /// <summary>How the user starts the run again, from its work dir; for messages. null where it is started from code.</summary>
    public Func<string, string>? Command { get; init; }

    /// <summary>How this run was started, for its record (<see cref="RunFacts"/>); null where it is started from code.</summary>
    public string? CommandLine { get; init; }
}
