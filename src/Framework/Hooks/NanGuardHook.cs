namespace Tessera.Framework.Hooks;

/// <param name="Interval">Batches between looks at a GPU's losses; on a CPU every batch is looked at, which costs nothing.</param>
public sealed record NanGuardHookOptions([property: Range(1, 100000)] int Interval = 50);

/// <summary>
/// Stops the run at a loss that is NaN or infinite; says at which iteration, which term, which module gave the first such
/// value and which files were in the batch, and saves all of it for a replay. On by default.
/// </summary>
[Component("NanGuardHook")]
public sealed class NanGuardHook(NanGuardHookOptions options) : Hook
{
    public int Interval => options.Interval;
}
