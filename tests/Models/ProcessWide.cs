namespace Tessera.Tests.Models;

/// <summary>Tests that depend on the process's random numbers, and so run alone.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessWide
{
    public const string Name = "process-wide state";
}
